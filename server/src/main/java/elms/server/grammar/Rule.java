package elms.server.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * What may be written: a context-free grammar over bytes. Rules are told apart by identity, since they may contain themselves.
 */
public sealed interface Rule {
    /** One byte of a set. */
    final class AnyOf implements Rule {
        private final BitSet bytes;

        private AnyOf(BitSet bytes) {
            this.bytes = bytes;
        }

        boolean has(int value) {
            return bytes.get(value);
        }
    }

    /** One rule after the other. */
    final class Sequence implements Rule {
        private final List<Rule> rules;

        private Sequence(List<Rule> rules) {
            this.rules = List.copyOf(rules);
        }

        List<Rule> rules() {
            return rules;
        }
    }

    /** One of some rules. */
    final class Choice implements Rule {
        private final List<Rule> rules;

        private Choice(List<Rule> rules) {
            this.rules = List.copyOf(rules);
        }

        List<Rule> rules() {
            return rules;
        }
    }

    /** A rule that is said later, so that it can contain itself. */
    final class Reference implements Rule {
        private Rule target;

        /** Says what it stands for. */
        public void set(Rule rule) {
            target = rule;
        }

        Rule target() {
            return target;
        }
    }

    /** Nothing at all. */
    static Rule nothing() {
        return new Sequence(List.of());
    }

    /** Exactly that text, in UTF-8. */
    static Rule text(String text) {
        List<Rule> bytes = new ArrayList<>();
        for (byte value : text.getBytes(StandardCharsets.UTF_8)) {
            BitSet one = new BitSet();
            one.set(value & 0xff);
            bytes.add(new AnyOf(one));
        }
        return bytes.size() == 1 ? bytes.getFirst() : new Sequence(bytes);
    }

    /** One byte between two, both included, but for the bytes of {@code not}. */
    static Rule range(int from, int to, String not) {
        BitSet bytes = new BitSet();
        bytes.set(from, to + 1);
        not.chars().forEach(bytes::clear);
        return new AnyOf(bytes);
    }

    /** One ASCII character of some. */
    static Rule oneOf(String characters) {
        BitSet bytes = new BitSet();
        characters.chars().forEach(bytes::set);
        return new AnyOf(bytes);
    }

    static Rule sequence(Rule... rules) {
        return new Sequence(Arrays.asList(rules));
    }

    static Rule choice(List<? extends Rule> rules) {
        return new Choice(List.copyOf(rules));
    }

    static Rule optional(Rule rule) {
        return new Choice(List.of(rule, nothing()));
    }

    /** The rule any number of times. */
    static Rule repeated(Rule rule) {
        Reference more = new Reference();
        more.set(optional(sequence(rule, more)));
        return more;
    }

    /** The rule between {@code least} and {@code most} times. */
    static Rule times(Rule rule, int least, int most) {
        Rule rest = nothing();
        for (int i = most; i > 0; i--) {
            rest = i > least ? optional(sequence(rule, rest)) : sequence(rule, rest);
        }
        return rest;
    }
}
