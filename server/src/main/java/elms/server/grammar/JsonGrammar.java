package elms.server.grammar;

import elms.server.grammar.Rule.Reference;
import java.util.List;

/** JSON as a grammar, with at most one space where JSON allows any. */
final class JsonGrammar {
    private static final int MOST_DIGITS = 16;
    private static final int MOST_EXPONENT_DIGITS = 3;

    private final Rule space = Rule.optional(Rule.text(" "));
    private final Rule digit = Rule.range('0', '9', "");
    private final Rule string = anyString();
    private final Rule integer = Rule.sequence(Rule.optional(Rule.text("-")),
            Rule.choice(List.of(Rule.text("0"), Rule.sequence(Rule.range('1', '9', ""), Rule.times(digit, 0, MOST_DIGITS - 1)))));
    private final Rule number = Rule.sequence(integer,
            Rule.optional(Rule.sequence(Rule.text("."), Rule.times(digit, 1, MOST_DIGITS))),
            Rule.optional(Rule.sequence(Rule.oneOf("eE"), Rule.optional(Rule.oneOf("+-")),
            Rule.times(digit, 1, MOST_EXPONENT_DIGITS))));
    private final Rule bool = Rule.choice(List.of(Rule.text("true"), Rule.text("false")));
    private final Rule nothing = Rule.text("null");
    private final Reference value = new Reference();
    private final Rule object = enclosed("{", Rule.sequence(string, colon(), value), "}");
    private final Rule array = enclosed("[", value, "]");

    JsonGrammar() {
        value.set(Rule.choice(List.of(object, array, string, number, bool, nothing)));
    }

    private static Rule anyString() {
        Rule hex = Rule.choice(List.of(Rule.range('0', '9', ""), Rule.range('a', 'f', ""), Rule.range('A', 'F', "")));
        Rule escape = Rule.sequence(Rule.text("\\"), Rule.choice(List.of(Rule.oneOf("\"\\/bfnrt"),
                Rule.sequence(Rule.text("u"), hex, hex, hex, hex))));
        return Rule.sequence(Rule.text("\""), Rule.repeated(Rule.choice(List.of(Rule.range(0x20, 0xff, "\"\\"), escape))),
                Rule.text("\""));
    }

    Rule string() {
        return string;
    }

    Rule integer() {
        return integer;
    }

    Rule number() {
        return number;
    }

    Rule bool() {
        return bool;
    }

    Rule nothing() {
        return nothing;
    }

    /** Any value. */
    Rule value() {
        return value;
    }

    /** Any object. */
    Rule object() {
        return object;
    }

    /** Any array. */
    Rule array() {
        return array;
    }

    /** Between two members. */
    Rule comma() {
        return Rule.sequence(Rule.text(","), space);
    }

    /** Behind a name. */
    Rule colon() {
        return Rule.sequence(Rule.text(":"), space);
    }

    private Rule enclosed(String open, Rule element, String close) {
        return Rule.sequence(Rule.text(open),
                Rule.optional(Rule.sequence(element, Rule.repeated(Rule.sequence(comma(), element)))), Rule.text(close));
    }
}
