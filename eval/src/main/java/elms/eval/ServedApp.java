package elms.eval;

import elms.engine.text.Message;
import elms.planner.Limit;
import elms.planner.Slo;
import elms.service.AppProfile;
import elms.service.Request;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * An app of the ELMS paper (arXiv 2409.09071, table 3): its SLO, and the task that its requests are from. Its prompts begin with
 * examples, the last rows of the task.
 */
record ServedApp(String name, Slo slo, String examples, List<Question> questions) {
    /** Of every answer. */
    static final int ANSWER_TOKENS = 32;
    private static final int SHOTS = 5;

    static List<ServedApp> all(Path data) {
        return List.of(
                of("rewind", 1, 1, data, "openbookqa.test"),
                of("gmail", 0.8, 0.9, data, "arc_easy.test"),
                of("octopus", 0.6, 0.8, data, "octopus.validation"),
                of("shortcuts", 0.4, 0.7, data, "llamatouch.validation"),
                of("gboard", 0.2, 0.6, data, "piqa.validation"),
                of("xiaoai", 0.2, 0.5, data, "sciq.test"));
    }

    private static ServedApp of(String name, double ttft, double tpot, Path data, String task) {
        List<Question> all = Question.read(data.resolve("qa/" + task + ".jsonl"), Long.MAX_VALUE);
        List<Question> shots = all.subList(all.size() - SHOTS, all.size());
        String examples = Question.examples(shots);
        Slo slo = new Slo(Optional.of(new Limit.Ratio(ttft)), Optional.of(new Limit.Ratio(tpot)));
        return new ServedApp(name, slo, examples, all.subList(0, all.size() - SHOTS));
    }

    AppProfile profile() {
        return AppProfile.of(name).withSlo(slo).withSystem(List.of(Message.system(examples))).withQuota(1024);
    }

    Request request(Question question) {
        return Request.of(List.of(Message.system(examples), Message.user(question.context())), ANSWER_TOKENS);
    }

    /** What the model reads for a request. */
    String prompt(Question question) {
        return examples + question.context();
    }
}
