package elms.server.soak;

import elms.engine.text.Message;
import elms.service.Pin;
import java.util.List;

/**
 * A greedy chat at pinned levels, and what the engine answers to it.
 *
 * @param tokens longest answer
 */
record KnownChat(List<Message> messages, Pin pin, int tokens, String answer) {}
