package elms.server.cli;

import elms.eval.LanguageQuality.BaselineQuality;
import elms.eval.LanguageQuality.LevelQuality;
import elms.eval.LanguageQuality.Report;
import elms.eval.PairedDifference;
import java.util.List;
import java.util.stream.Stream;

/** The report of {@code elms eval language} for people. */
final class LanguageTable {
    private LanguageTable() {}

    static String of(Report report) {
        LevelQuality first = report.levels().getFirst();
        List<String> tasks = List.copyOf(first.tasks().keySet());
        List<String> sources = List.copyOf(first.answers().keySet());
        StringBuilder table = new StringBuilder(report.heldout()).append('\n');
        row(table, "level", Stream.concat(Stream.of("KL", "perplexity"), Stream.concat(tasks.stream(),
                Stream.concat(Stream.of("mean"), sources.stream()))).toList());
        report.levels().forEach(level -> row(table, EvalCommand.number("%.3f", level.share()), cells(level, tasks, sources)));
        table.append("the last columns: ROUGE-L of greedy answers against the full model's, in percent\n");
        report.mixed().forEach(mixed -> row(table, mixed.plan(), sources.stream()
                .map(source -> EvalCommand.percent(mixed.answers().get(source).rougeL())).toList()));
        for (BaselineQuality other : report.baselines()) {
            row(table, other.method() + " " + EvalCommand.number("%.3f", other.quality().share()),
                    cells(other.quality(), tasks, sources));
            row(table, "  against level " + EvalCommand.number("%.3f", other.against()),
                    Stream.concat(Stream.of("KL " + difference("%+.3f", other.klDifference(), 1),
                            "mean " + difference("%+.1f", other.accDifference(), 100)),
                            sources.stream().map(source -> source + " "
                                    + difference("%+.1f", other.answerDifferences().get(source), 100))).toList());
        }
        return table.toString();
    }

    private static List<String> cells(LevelQuality level, List<String> tasks, List<String> sources) {
        return Stream.of(Stream.of(EvalCommand.number("%.3f", level.kl()), EvalCommand.number("%.1f", level.perplexity())),
                tasks.stream().map(task -> EvalCommand.percent(level.tasks().get(task).acc())),
                Stream.of(EvalCommand.percent(level.meanAcc())),
                sources.stream().map(source -> EvalCommand.percent(level.answers().get(source).rougeL())))
                .flatMap(cell -> cell).toList();
    }

    private static String difference(String format, PairedDifference difference, double unit) {
        return EvalCommand.number(format, unit * difference.mean()) + " ± "
                + EvalCommand.number(format.replace("+", ""), unit * difference.stderr());
    }

    private static void row(StringBuilder table, String name, List<String> cells) {
        table.append(String.format("%-42s", name));
        cells.forEach(cell -> table.append(String.format(" %11s", cell)));
        table.append('\n');
    }
}
