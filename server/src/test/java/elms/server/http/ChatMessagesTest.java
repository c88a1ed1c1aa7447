package elms.server.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import elms.engine.text.Message;
import elms.engine.text.Range;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChatMessagesTest {
    @Test
    void protectedPartsBecomeKeptRanges() {
        assertThat(read("""
                {"messages": [{"role": "developer", "content": "be kind"}, {"role": "user", "content": [
                    {"type": "text", "text": "long 🎈 story, "}, {"type": "text", "text": "the number is 42",
                    "elms_protected": true},
                    {"type": "text", "text": "?"}]}]}""")).containsExactly(
                Message.system("be kind"), new Message("user", "long 🎈 story, the number is 42?", List.of(new Range(15, 31))));
    }

    @Test
    void rolesAndShapesThatMakeNoSenseAreRefused() {
        assertThatThrownBy(() -> read("{}")).isInstanceOf(ApiException.class).hasMessageContaining("messages is missing");
        assertThatThrownBy(() -> read("{\"messages\": [{\"role\": \"text\", \"content\": \"x\"}]}"))
                .hasMessageContaining("no role 'text'");
        assertThatThrownBy(() -> read("{\"messages\": [{\"content\": \"x\"}]}"))
                .hasMessageContaining("messages[0].role is missing");
        assertThatThrownBy(() -> read("{\"messages\": [7]}")).hasMessageContaining("messages[0] must be an object");
    }

    private static List<Message> read(String body) {
        return ChatMessages.read(Fields.of(body.getBytes(StandardCharsets.UTF_8)));
    }
}
