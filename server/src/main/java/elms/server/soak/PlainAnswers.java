package elms.server.soak;

import elms.engine.ElasticModel;
import elms.engine.decode.KvCache;
import elms.engine.decode.Sampler;
import elms.engine.decode.Sampling;
import elms.engine.decode.TextStream;
import elms.engine.decode.Transformer;
import elms.engine.model.SubModel;
import elms.engine.text.Message;
import elms.kernels.Kernels;
import elms.service.Pin;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** What the engine answers to chats by itself, one after the other: without a service, a cache of prefixes, or other streams. */
final class PlainAnswers {
    private static final int CHATS = 12;
    /** Most tokens of a prompt, roughly; a small context has a quarter of it. */
    private static final int LONGEST_PROMPT = 500;
    private static final int[] ANSWERS = {8, 24, 64, 200};
    private static final List<Pin> PINS = List.of(Pin.of(1), new Pin(0.5, 1), new Pin(0.8, 0.6), Pin.of(0.4));
    private static final List<String> SENTENCES = List.of(
            "The lighthouse keeper writes down the weather every morning before breakfast.",
            "Two trains leave the same station, one of them forty minutes after the other.",
            "A recipe for bread needs flour, water, salt, and a good deal of patience.",
            "Our meeting is moved from Tuesday to Thursday, in the small room on the third floor.",
            "Whales breathe air, and some of them can stay below the surface for an hour.",
            "The invoice of the plumber is due by the end of the month: 340 euros and 50 cents.",
            "She found the old letters in a tin box under the stairs, tied up with a ribbon.",
            "Rivers carry sand to the sea, where waves sort it by the size of its grains.");
    private static final List<String> QUESTIONS = List.of("What is this about?", "Summarize it in one sentence.",
            "What happens next?", "Which of these things could be false, and why?");

    private final ElasticModel model;
    private final Transformer transformer;

    private PlainAnswers(ElasticModel model, Kernels kernels) {
        this.model = model;
        transformer = new Transformer(model.weights(), kernels);
    }

    /** The same chats for the same seed, some of which begin alike, each at several pins. */
    static List<KnownChat> of(ElasticModel model, Kernels kernels, long seed) {
        PlainAnswers answers = new PlainAnswers(model, kernels);
        Random random = new Random(seed);
        List<KnownChat> chats = new ArrayList<>();
        for (int i = 0; i < CHATS; i++) {
            List<Message> messages = answers.messages(i, random);
            for (int j = 0; j < PINS.size(); j++) {
                chats.add(answers.answered(messages, PINS.get(j), ANSWERS[(i + j) % ANSWERS.length]));
            }
        }
        return chats;
    }

    private List<Message> messages(int index, Random random) {
        int most = Math.min(LONGEST_PROMPT, model.config().context() / 4);
        int length = 1 + random.nextInt(most);
        StringBuilder text = new StringBuilder();
        do {
            text.append(SENTENCES.get(random.nextInt(SENTENCES.size()))).append(' ');
        } while (model.tokenizer().encode(text.toString()).length() < length);
        String question = QUESTIONS.get(index % QUESTIONS.size());
        Message system = Message.system(SENTENCES.get(index % 3) + " " + SENTENCES.get(3 + index % 3));
        return List.of(system, Message.user(text + "\n\n" + question));
    }

    private KnownChat answered(List<Message> messages, Pin pin, int tokens) {
        SubModel answerer = model.nearest(pin.answer());
        int[] prompt = model.tokenizer().encode(model.template().render(messages)).ids();
        TextStream stream = new TextStream(List.of());
        StringBuilder answer = new StringBuilder();
        Sampler sampler = new Sampler(Sampling.GREEDY);
        try (KvCache cache = transformer.newCache(prompt.length + tokens)) {
            transformer.read(prompt, model.nearest(pin.prompt()), cache);
            for (int i = 0; i < tokens; i++) {
                int token = sampler.next(transformer.candidates(), answerer.share() < 1);
                if (model.tokenizer().endsAnswer(token)) {
                    break;
                }
                answer.append(stream.push(model.tokenizer().bytes(token)));
                transformer.step(token, answerer, cache);
            }
        }
        return new KnownChat(messages, pin, tokens, answer.append(stream.finish()).toString());
    }
}
