package elms.eval.planner;

import elms.engine.model.SubModel;
import elms.planner.Assignment;

/**
 * A way to read a prompt and to answer it.
 *
 * @param answer the level that answers
 */
record Way(Assignment assignment, SubModel answer) {}
