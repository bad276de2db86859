package babble;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;

/**
 * The request log: one line of eight fields, parted by spaces.
 *
 * <pre>time version host method path id status milliseconds</pre>
 *
 * A request has two: one when it has been read, with status "begun", and one when it is answered.
 * A line about the process itself has JVM as its method, the event as its path and no status.
 */
final class RequestLog {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSXXX");

    private final long opened = System.nanoTime();
    private final String version;
    private final String host;
    private final FileOutputStream file;

    RequestLog(Path path, String version, String host) throws IOException {
        this.version = version;
        this.host = host;
        // Appending (O_APPEND) keeps the lines of a task that is stopping and of its successor from overwriting.
        file = new FileOutputStream(path.toFile(), true);
    }

    void begun(String method, String path, String id) throws IOException {
        write(method, path, id, "begun", 0);
    }

    void ended(String method, String path, String id, int status, long millis) throws IOException {
        write(method, path, id, String.valueOf(status), millis);
    }

    void event(String name) throws IOException {
        write("JVM", name, "", "", (System.nanoTime() - opened) / 1_000_000);
    }

    private void write(String method, String path, String id, String status, long millis) throws IOException {
        String line = String.join(" ", ZonedDateTime.now().format(TIME), field(version), field(host),
                field(method), field(path), field(id), field(status), String.valueOf(millis));
        // The stream has no buffer: this is one write call, and the line is with the kernel when it returns.
        file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** What a caller sends must not be able to add fields or lines. */
    private static String field(String text) {
        return text == null || text.isEmpty() ? "-" : text.replaceAll("[\\s\\p{Cntrl}]", "_");
    }
}
