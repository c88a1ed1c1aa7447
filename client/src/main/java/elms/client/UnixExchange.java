package elms.client;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/** One HTTP request over a UNIX socket, and its response. The JDK's own client has no UNIX sockets. */
final class UnixExchange implements AutoCloseable {
    private static final int LONGEST_LINE = 1 << 16;

    private final SocketChannel channel;
    private final InputStream in;
    private final int status;
    private long left;
    private boolean chunked;

    /** Sends a request and reads the head of its response. */
    UnixExchange(Path socket, String method, String path, String headers, byte[] body) throws IOException {
        channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.connect(UnixDomainSocketAddress.of(socket));
            in = new BufferedInputStream(Channels.newInputStream(channel));
            String head = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers
                    + "Content-Length: "
                    + body.length + "\r\n\r\n";
            write(head.getBytes(StandardCharsets.US_ASCII));
            write(body);
            status = status(line());
            readHeaders();
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    int status() {
        return status;
    }

    /** The whole body. */
    byte[] body() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int next = read(); next >= 0; next = read()) {
            bytes.write(next);
        }
        return bytes.toByteArray();
    }

    /** The next line of the body, or null at its end. */
    String bodyLine() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int next = read();
        if (next < 0) {
            return null;
        }
        for (; next >= 0 && next != '\n'; next = read()) {
            bytes.write(next);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }

    private void write(byte[] bytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    private static int status(String line) throws IOException {
        String[] words = line.split(" ", 3);
        if (words.length < 2 || !words[0].startsWith("HTTP/1.") || !words[1].matches("[0-9]{3}")) {
            throw new IOException("what answers is no HTTP server");
        }
        return Integer.parseInt(words[1]);
    }

    private void readHeaders() throws IOException {
        left = Long.MAX_VALUE;
        for (String header = line(); !header.isEmpty(); header = line()) {
            String lower = header.toLowerCase(Locale.ROOT);
            if (lower.startsWith("content-length:")) {
                left = Long.parseLong(lower.substring("content-length:".length()).strip());
            } else if (lower.startsWith("transfer-encoding:") && lower.endsWith("chunked")) {
                chunked = true;
                left = 0;
            }
        }
    }

    /** The next byte of the body, or -1 at its end. */
    private int read() throws IOException {
        if (chunked && left == 0) {
            String size = line();
            size = size.isEmpty() ? line() : size;
            left = Long.parseLong(size.split(";")[0].strip(), 16);
            chunked = left > 0;
        }
        if (left == 0) {
            return -1;
        }
        left--;
        return in.read();
    }

    private String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0 || line.length() > LONGEST_LINE) {
                throw new IOException("the server closed the connection");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
