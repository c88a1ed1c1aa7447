package elms.server.grammar;

import elms.service.Constraint;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** Holds an answer to a grammar: a token may come if its bytes go on with a text of the grammar, an end where one may end. */
public final class GrammarConstraint implements Constraint {
    private final TokenBytes tokens;
    private final Automaton automaton;
    private final Map<Integer, BitSet> allowed = new HashMap<>();
    private int state;

    public GrammarConstraint(Rule grammar, TokenBytes tokens) {
        this.tokens = tokens;
        this.automaton = new Automaton(grammar);
        this.state = automaton.start();
    }

    /** Where the model has scored none of the tokens that may come, all of them are equal. */
    @Override
    public void restrict(float[] logits) {
        BitSet may = allowed.computeIfAbsent(state, this::allowed);
        boolean scored = false;
        for (int token = 0; token < logits.length; token++) {
            if (!may.get(token)) {
                logits[token] = Float.NEGATIVE_INFINITY;
            }
            scored |= logits[token] > Float.NEGATIVE_INFINITY;
        }
        if (!scored) {
            may.stream().forEach(token -> logits[token] = 0);
        }
    }

    @Override
    public void accept(int token) {
        if (!tokens.ends(token)) {
            state = after(state, token);
        }
    }

    private BitSet allowed(int at) {
        BitSet may = new BitSet(tokens.count());
        for (int token = 0; token < tokens.count(); token++) {
            if (tokens.ends(token) ? automaton.ends(at) : tokens.bytes(token).length > 0 && after(at, token) != Automaton.DEAD) {
                may.set(token);
            }
        }
        return may;
    }

    private int after(int from, int token) {
        int next = from;
        for (byte value : tokens.bytes(token)) {
            next = automaton.next(next, value & 0xff);
            if (next == Automaton.DEAD) {
                return next;
            }
        }
        return next;
    }
}
