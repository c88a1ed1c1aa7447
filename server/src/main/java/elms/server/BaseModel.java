package elms.server;

import elms.engine.ElmsException;
import elms.engine.gguf.GgufFile;
import elms.engine.gguf.Metadata;
import elms.engine.model.ModelConfig;
import elms.engine.text.ChatTemplate;
import elms.engine.text.Message;
import elms.engine.text.RenderedChat;
import elms.server.store.StoredModel;
import elms.text.GgufTokenizer;
import elms.text.JinjaChatTemplate;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Collectors;

/** A model file that was opened and understood, before anything is prepared. What it needs for text is loaded meanwhile. */
public final class BaseModel implements AutoCloseable {
    private final StoredModel stored;
    private final GgufFile file;
    private final ModelConfig config;
    private final CompletableFuture<Text> text;

    private record Text(GgufTokenizer tokenizer, ChatTemplate template) {}

    private BaseModel(StoredModel stored, GgufFile file) {
        this.stored = stored;
        this.file = file;
        config = ModelConfig.of(file);
        text = CompletableFuture.supplyAsync(this::loadText, Thread.ofPlatform().daemon()::start);
    }

    /** Opens a model file; throws {@link ElmsException} if it is damaged or of a kind that is not supported. */
    public static BaseModel open(StoredModel stored) {
        Thread.ofPlatform().daemon().start(JinjaChatTemplate::warmUp);
        GgufFile file = GgufFile.open(stored.file());
        try {
            return new BaseModel(stored, file);
        } catch (ElmsException e) {
            file.close();
            throw e;
        }
    }

    private Text loadText() {
        GgufTokenizer tokenizer = new GgufTokenizer(file.metadata());
        if (tokenizer.vocabulary() != config.vocabulary()) {
            throw new ElmsException(stored.file() + " has " + config.vocabulary() + " embeddings, but a tokenizer of "
                    + tokenizer.vocabulary() + " tokens");
        }
        return new Text(tokenizer, new PlainText(template(file.metadata(), tokenizer)));
    }

    public StoredModel stored() {
        return stored;
    }

    public GgufFile file() {
        return file;
    }

    public ModelConfig config() {
        return config;
    }

    /** Its tokenizer, once it is loaded; throws {@link ElmsException} if it is of a kind that is not supported. */
    public GgufTokenizer tokenizer() {
        return text().tokenizer();
    }

    /** Its way to write a chat; throws as {@link #tokenizer} does. */
    public ChatTemplate template() {
        return text().template();
    }

    private Text text() {
        try {
            return text.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof ElmsException sentence ? sentence : e;
        }
    }

    /** A model without a template was not made for chats: it continues the messages as plain text. */
    private static ChatTemplate template(Metadata metadata, GgufTokenizer tokenizer) {
        return metadata.string("tokenizer.chat_template")
                .<ChatTemplate>map(source -> new JinjaChatTemplate(source, spelling(metadata, "bos").orElse(""),
                        spelling(metadata, "eos").orElse(""), tokenizer.controlTokens()))
                .orElse(messages -> new RenderedChat(
                        messages.stream().map(Message::content).collect(Collectors.joining("\n")), List.of()));
    }

    /** How a token that the file names is spelt: {@code bos}, {@code eos}. */
    public static Optional<String> spelling(Metadata metadata, String token) {
        String[] tokens = metadata.strings("tokenizer.ggml.tokens").orElse(new String[0]);
        return metadata.integer("tokenizer.ggml." + token + "_token_id", 0, tokens.length - 1).map(id -> tokens[id]);
    }

    /** Closes the file, when all is loaded; the tokenizer and what was mapped stay usable. */
    @Override
    public void close() {
        text.exceptionally(e -> null).join();
        file.close();
    }
}
