package elms.server.soak;

/** Lets visits begin, or holds them back until those inside have ended. Thread-safe. */
final class Door {
    private static final int SECOND = 1000;

    private boolean shut;
    private int inside;

    synchronized void enter() throws InterruptedException {
        while (shut) {
            wait();
        }
        inside++;
    }

    synchronized void leave() {
        inside--;
        notifyAll();
    }

    /**
     * Lets nobody in any more, and waits for those inside.
     *
     * @param seconds longest time without anybody leaving; while the process is stopped, it does not pass
     * @return how many are still inside
     */
    synchronized int shut(int seconds) throws InterruptedException {
        shut = true;
        int left = inside;
        for (int waited = 0; inside > 0 && waited < seconds; waited++) {
            wait(SECOND);
            if (inside < left) {
                left = inside;
                waited = 0;
            }
        }
        return inside;
    }

    synchronized void open() {
        shut = false;
        notifyAll();
    }
}
