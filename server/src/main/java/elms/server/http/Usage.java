package elms.server.http;

import elms.service.Response;

/** Tokens of a request, in OpenAI's shape. */
record Usage(int promptTokens, int completionTokens, int totalTokens, Details promptTokensDetails) {
    /** Of the prompt's tokens, those that were not read again. */
    record Details(int cachedTokens) {}

    static Usage of(Response response) {
        return new Usage(response.promptTokens(), response.completionTokens(), response.promptTokens()
                + response.completionTokens(),
                new Details(response.cachedTokens()));
    }
}
