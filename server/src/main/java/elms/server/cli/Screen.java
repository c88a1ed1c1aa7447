package elms.server.cli;

import elms.elastic.Progress;
import elms.server.store.ByteProgress;
import java.io.PrintStream;
import java.util.function.DoubleConsumer;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** What a person sees besides answers: log lines and progress, on standard error. */
final class Screen implements AutoCloseable {
    private static final int UPDATE_MILLIS = 200;
    private static final int WIDTH = 80;
    private static final int STEPS = 1000;

    private final PrintStream out = System.err;
    /** The launcher knows whether standard error is a terminal; the JVM cannot tell. */
    private final boolean terminal = Boolean.getBoolean("elms.terminal");
    private ProgressBar bar;
    private String task;

    void line(String text) {
        close();
        out.println(text);
    }

    /** Progress of fetching {@code what}. */
    ByteProgress bytes(String what) {
        return (done, total) -> show("Fetching " + what, done, total, 1 << 20, " MB");
    }

    /** Progress of a task with named steps. */
    Progress steps() {
        return (step, share) -> show(step, Math.round(share * STEPS), STEPS, STEPS / 100, " %");
    }

    /** Progress of one step. */
    DoubleConsumer step(String name) {
        return share -> steps().at(name, share);
    }

    private void show(String newTask, long done, long total, long unit, String unitName) {
        if (!newTask.equals(task)) {
            close();
            task = newTask;
            if (terminal) {
                bar = new ProgressBarBuilder().setTaskName(newTask).setInitialMax(Math.max(total, 0)).setUnit(unitName, unit)
                        .setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(UPDATE_MILLIS).setMaxRenderedLength(WIDTH)
                        .setConsumer(new ConsoleProgressBarConsumer(out, WIDTH)).build();
            } else {
                out.println(newTask + " …");
            }
        }
        if (bar != null) {
            bar.stepTo(done);
        }
    }

    @Override
    public void close() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
        task = null;
    }
}
