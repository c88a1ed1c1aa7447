package elms.eval;

import elms.eval.Growth.Point;
import elms.eval.Growth.Ratio;
import elms.eval.Growth.Times;
import java.awt.Color;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendPosition;

/** Draws a {@link Growth.Report}: both axes logarithmic, so that a ratio is the same distance everywhere. */
public final class GrowthPlot {
    private static final int WIDTH = 900;
    private static final int HEIGHT = 560;

    private GrowthPlot() {}

    /** Writes a PNG file. */
    public static void write(Growth.Report report, Path file) throws IOException {
        XYChart chart = new XYChartBuilder().width(WIDTH).height(HEIGHT).title(report.model() + ", " + report.threads() + " threads")
                .xAxisTitle("tokens in the context").yAxisTitle("milliseconds").build();
        chart.getStyler().setXAxisLogarithmic(true).setYAxisLogarithmic(true);
        chart.getStyler().setLegendPosition(LegendPosition.InsideNW);
        chart.getStyler().setXAxisTickLabelsFormattingFunction(GrowthPlot::number);
        chart.getStyler().setYAxisTickLabelsFormattingFunction(GrowthPlot::number);
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        add(chart, report.points(), "the prompt", Times::prefillMs, Ratio::prefill);
        add(chart, report.points(), "a token behind it", Times::decodeMs, Ratio::decode);
        try (OutputStream out = Files.newOutputStream(file)) {
            BitmapEncoder.saveBitmap(chart, out, BitmapFormat.PNG);
        }
    }

    private static void add(XYChart chart, List<Point> points, String what, ToDoubleFunction<Times> time,
            ToDoubleFunction<Ratio> ratio) {
        double[] tokens = points.stream().mapToDouble(Point::tokens).toArray();
        chart.addSeries("Elms: " + what, tokens, points.stream().map(Point::elms).mapToDouble(time).toArray());
        Point longest = points.getLast();
        longest.ratio().ifPresent(ratios -> chart.addSeries(
                String.format(Locale.ROOT, "llama.cpp: %s (%.2f times as long at %d)", what, ratio.applyAsDouble(ratios), longest.tokens()),
                tokens, points.stream().map(point -> point.peer().orElseThrow()).mapToDouble(time).toArray()));
    }

    private static String number(double tick) {
        return String.format(Locale.ROOT, "%,.0f", tick);
    }
}
