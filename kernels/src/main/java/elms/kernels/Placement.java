package elms.kernels;

/** Has a say in where the sleeping threads of a team wake up. Workers are numbered from 1; worker 0 is who calls them. */
public interface Placement {
    /** Leaves it to the system. */
    Placement NONE = new Placement() {
        @Override
        public void join(int worker) {}

        @Override
        public void wake(int worker) {}

        @Override
        public void awake(int worker) {}
    };

    /** Called once by each worker, before all else. */
    void join(int worker);

    /** Called by worker 0 before it wakes another. */
    void wake(int worker);

    /** Called by a worker that slept, or was about to. */
    void awake(int worker);
}
