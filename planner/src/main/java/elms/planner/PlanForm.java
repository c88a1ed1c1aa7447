package elms.planner;

/** What plans may look like. */
public enum PlanForm {
    /** Every segment of the prompt has a level of its own, from dropped to full, and the answer another. */
    ELMS,
    /** The paper's: words are dropped, and one level reads and answers. */
    PAPER
}
