package babble;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TimeZone;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A small web service to scale out: it says which replica answered, logs every request to the shared log directory,
 * and can be told to be unhealthy, to redirect its health check, to listen in its own container only, to crash, to ask
 * another service, or to stop without grace.
 */
public final class Babble {
    private static final int MAX_DELAY_MS = 60_000;
    private static final int DRAIN_LIMIT_S = 30;
    private static final int CALL_LIMIT_MS = 10_000;
    private static final int BACKLOG = 1024;
    private static final int EXIT_ON_SIGTERM = 128 + 15;
    private static final int EXIT_ON_CRASH = 3;

    private final String version;
    private final String host;
    private final String healthMode;
    private final String healthPath;
    private final int crashAfterMs;
    private final boolean graceful;
    private final Map<String, Object> info;
    private final RequestLog log;
    private final HttpServer server;
    private final AtomicInteger inFlight = new AtomicInteger();
    private volatile boolean stopping;

    /** The environment does not let the service start; the message tells the operator why. */
    private static final class CannotStart extends Exception {
        CannotStart(String message) {
            super(message);
        }
    }

    private static final class Answer {
        final int status;
        final Map<String, Object> body;
        /** Null unless it is a redirect. */
        final String location;

        Answer(int status, Map<String, Object> body) {
            this(status, body, null);
        }

        Answer(int status, Map<String, Object> body, String location) {
            this.status = status;
            this.body = body;
            this.location = location;
        }
    }

    public static void main(String[] args) {
        try {
            new Babble().run();
        } catch (CannotStart e) {
            System.err.println("babble: cannot start: " + e.getMessage());
            System.exit(1);
        }
    }

    private Babble() throws CannotStart {
        version = System.getProperty("WAS_VERSION", env("WAS_VERSION", "dev"));
        host = hostname();
        healthMode = choice("HEALTH_MODE", "up", "never", "redirect", "crash");
        healthPath = env("HEALTH_PATH", "/health");
        info = describe();
        graceful = choice("SHUTDOWN", "graceful", "immediate").equals("graceful");
        crashAfterMs = number("CRASH_AFTER_MS", env("CRASH_AFTER_MS", "5000"), Integer.MAX_VALUE);
        int port = number("server.port", System.getProperty("server.port", "8080"), 65_535);
        log = openLog();
        server = listen(env("LISTEN", ""), port);
        server.createContext("/", this::handle);
        // A request may sleep for a minute, so the pool has no upper bound: waiting requests never hold up others.
        server.setExecutor(Executors.newCachedThreadPool());
    }

    private void run() throws CannotStart {
        try {
            log.event("start");
        } catch (IOException e) {
            throw new CannotStart("the log file cannot be written: " + e.getMessage());
        }
        Runtime.getRuntime().addShutdownHook(new Thread(graceful ? this::stopGracefully : this::stopAtOnce));
        server.start();
        if (healthMode.equals("crash")) {
            startDaemon(this::crash);
        }
        System.out.println("babble " + version + " on " + host + " listens on " + server.getAddress().getPort());
    }

    // Requests

    private void handle(HttpExchange exchange) throws IOException {
        inFlight.incrementAndGet();
        long begun = System.nanoTime();
        try {
            Map<String, String> query = new LinkedHashMap<>();
            Answer answer = answer(exchange, query);
            try {
                long millis = (System.nanoTime() - begun) / 1_000_000;
                String path = exchange.getRequestURI().getRawPath();
                log.ended(exchange.getRequestMethod(), path, id(exchange, query), answer.status, millis);
            } catch (IOException e) {
                // An unlogged success would make the log a lie, so the caller is told instead.
                System.err.println("babble: the log file cannot be written: " + e.getMessage());
                answer = new Answer(500, object("error", "the request could not be logged"));
            }
            send(exchange, answer);
        } finally {
            exchange.close();
            inFlight.decrementAndGet();
        }
    }

    private Answer answer(HttpExchange exchange, Map<String, String> query) {
        try {
            long bodyBytes = drain(exchange.getRequestBody());
            query.putAll(parse(exchange.getRequestURI().getRawQuery()));
            String path = exchange.getRequestURI().getPath();
            if (path.startsWith("/health")) {
                return health(path);
            }
            if (path.equals("/info")) {
                return new Answer(200, info);
            }
            logBegun(exchange, query);
            delay(query.get("ms"));
            if (path.equals("/call")) {
                return call(query.get("url"));
            }
            return new Answer(200, object("version", version, "host", host,
                    "method", exchange.getRequestMethod(), "id", id(exchange, query), "bodyBytes", bodyBytes));
        } catch (IllegalArgumentException e) {
            return new Answer(400, object("error", e.getMessage()));
        } catch (IOException e) {
            return new Answer(400, object("error", "the request body ended early"));
        } catch (InterruptedException e) {
            return new Answer(503, object("error", "interrupted"));
        }
    }

    /** A version knows its own health path only. */
    private Answer health(String path) {
        if (!path.equals(healthPath)) {
            return new Answer(404, object("error", "the health path is " + healthPath));
        }
        switch (healthMode) {
            case "never":
                return new Answer(503, object("status", "DOWN"));
            case "redirect":
                return new Answer(302, object("status", "ELSEWHERE"), "/login");
            default:
                return new Answer(200, object("status", "UP"));
        }
    }

    /** Asks another service, as a request that depends on one does. It counts as failed when that one does. */
    private static Answer call(String url) {
        try {
            if (url == null || !url.startsWith("http://")) {
                throw new IllegalArgumentException("url must be of the form http://host:port/path, not '" + url + "'");
            }
            HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
            connection.setConnectTimeout(CALL_LIMIT_MS);
            connection.setReadTimeout(CALL_LIMIT_MS);
            connection.setInstanceFollowRedirects(false);
            int status = connection.getResponseCode();
            connection.disconnect();
            return new Answer(status == 200 ? 200 : 502, object("called", url, "status", String.valueOf(status)));
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e.getMessage());
        } catch (IOException e) {
            return new Answer(502, object("called", url, "error", String.valueOf(e.getMessage())));
        }
    }

    /** A process that is killed meanwhile leaves this line only: so a request that is then run elsewhere shows as run twice. */
    private void logBegun(HttpExchange exchange, Map<String, String> query) {
        try {
            log.begun(exchange.getRequestMethod(), exchange.getRequestURI().getRawPath(), id(exchange, query));
        } catch (IOException e) {
            // The line at the end is the one that counts, and it has an answer for this.
            System.err.println("babble: the log file cannot be written: " + e.getMessage());
        }
    }

    private void send(HttpExchange exchange, Answer answer) throws IOException {
        byte[] body = json(answer.body).getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.getResponseHeaders().set("X-Was-Host", host);
        if (answer.location != null) {
            exchange.getResponseHeaders().set("Location", answer.location);
        }
        if (stopping) {
            // A proxy that keeps connections must not send its next request into a closing one.
            exchange.getResponseHeaders().set("Connection", "close");
        }
        boolean head = exchange.getRequestMethod().equals("HEAD");
        exchange.sendResponseHeaders(answer.status, head ? -1 : body.length);
        if (!head) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }

    private static long drain(InputStream body) throws IOException {
        byte[] buffer = new byte[8192];
        long total = 0;
        for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
            total += n;
        }
        return total;
    }

    private static void delay(String ms) throws InterruptedException {
        if (ms == null) {
            return;
        }
        if (!ms.matches("[0-9]{1,5}") || Integer.parseInt(ms) > MAX_DELAY_MS) {
            throw new IllegalArgumentException("ms must be a whole number from 0 to " + MAX_DELAY_MS + ", not '" + ms + "'");
        }
        Thread.sleep(Integer.parseInt(ms));
    }

    private static String id(HttpExchange exchange, Map<String, String> query) {
        String header = exchange.getRequestHeaders().getFirst("X-Request-Id");
        return header != null ? header : query.getOrDefault("id", "");
    }

    private static Map<String, String> parse(String rawQuery) throws IOException {
        Map<String, String> query = new LinkedHashMap<>();
        for (String pair : rawQuery == null ? new String[0] : rawQuery.split("&")) {
            String[] sides = pair.split("=", 2);
            query.putIfAbsent(URLDecoder.decode(sides[0], "UTF-8"), sides.length == 2 ? URLDecoder.decode(sides[1], "UTF-8") : "");
        }
        return query;
    }

    // The end of the process

    private void stopGracefully() {
        stopping = true;
        event("stopping");
        // stop() closes the listening socket at once, but may then wait out its whole limit with nothing in flight:
        // it runs aside, and the requests are counted here.
        startDaemon(() -> server.stop(DRAIN_LIMIT_S));
        long deadline = System.nanoTime() + DRAIN_LIMIT_S * 1_000_000_000L;
        // A connection accepted just before the signal may not have reached its handler, hence some quiet rounds.
        for (int quiet = 0; quiet < 4 && System.nanoTime() < deadline; quiet = inFlight.get() == 0 ? quiet + 1 : 0) {
            pause(50);
        }
        event("stop");
    }

    private void stopAtOnce() {
        event("stop");
        Runtime.getRuntime().halt(EXIT_ON_SIGTERM);
    }

    private void crash() {
        pause(crashAfterMs);
        event("crash");
        Runtime.getRuntime().halt(EXIT_ON_CRASH);
    }

    private void event(String name) {
        try {
            log.event(name);
        } catch (IOException e) {
            System.err.println("babble: cannot log '" + name + "': " + e.getMessage());
        }
    }

    private static void startDaemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }

    private static void pause(long ms) {
        try {
            Thread.sleep(ms);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // Settings

    private static String env(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isEmpty() ? otherwise : value;
    }

    /** The first choice is the default. */
    private static String choice(String name, String... choices) throws CannotStart {
        String value = env(name, choices[0]);
        if (!Arrays.asList(choices).contains(value)) {
            throw new CannotStart(name + " must be one of " + String.join(", ", choices) + ", not '" + value + "'");
        }
        return value;
    }

    private static int number(String name, String text, int max) throws CannotStart {
        try {
            int value = Integer.parseInt(text);
            if (value >= 0 && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the one message for both mistakes.
        }
        throw new CannotStart(name + " must be a whole number from 0 to " + max + ", not '" + text + "'");
    }

    private static Map<String, Object> describe() throws CannotStart {
        try {
            ConfigTree imported = new ConfigTree(env("SPRING_CONFIG_IMPORT", ""));
            return object(
                    "profile", System.getProperty("spring.profiles.active", ""),
                    "timezone", TimeZone.getDefault().getID(),
                    "datasourcePassword", describeSecret("spring.datasource.password", imported),
                    "redisPassword", describeSecret("spring.redis.password", imported));
        } catch (IOException e) {
            throw new CannotStart("SPRING_CONFIG_IMPORT: " + e.getMessage());
        }
    }

    /** Whether there is a value, and where it comes from. As with Spring, a system property comes before a file, even when empty. */
    private static Map<String, Object> describeSecret(String property, ConfigTree imported) throws IOException {
        String given = System.getProperty(property);
        Path file = given == null ? imported.fileOf(property) : null;
        String value = file == null ? given : ConfigTree.read(file);
        String from = file != null ? file.toString() : given != null ? "-D" + property : "";
        return object("set", value != null && !value.isEmpty(), "from", from);
    }

    private RequestLog openLog() throws CannotStart {
        Path file = Paths.get(env("LOG_FILE", "/was-logs/" + host + ".log")).toAbsolutePath();
        if (!Files.isDirectory(file.getParent())) {
            throw new CannotStart("the log directory " + file.getParent() + " does not exist");
        }
        try {
            return new RequestLog(file, version, host);
        } catch (IOException e) {
            throw new CannotStart("the log file cannot be opened for appending: " + e.getMessage());
        }
    }

    /** At all addresses when none is named. */
    private static HttpServer listen(String address, int port) throws CannotStart {
        // The proxy has to be the side that closes a kept connection, or it may send a request into one just closed:
        // connections are kept longer than its 60 seconds, and more of them than it opens.
        System.setProperty("sun.net.httpserver.idleInterval", "90");
        System.setProperty("sun.net.httpserver.maxIdleConnections", "1000");
        // Without it an answer on a kept connection waits for the peer's delayed acknowledgement.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        try {
            return HttpServer.create(address.isEmpty() ? new InetSocketAddress(port) : new InetSocketAddress(address, port), BACKLOG);
        } catch (IOException e) {
            throw new CannotStart("port " + port + " cannot be listened on: " + e.getMessage());
        }
    }

    private static String hostname() throws CannotStart {
        try {
            // The kernel's own name, as InetAddress may ask a name server and take seconds over it.
            Path kernel = Paths.get("/proc/sys/kernel/hostname");
            return Files.exists(kernel) ? read(kernel) : InetAddress.getLocalHost().getHostName();
        } catch (IOException e) {
            throw new CannotStart("the host name is unknown: " + e.getMessage());
        }
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).trim();
    }

    // JSON

    private static Map<String, Object> object(Object... namesAndValues) {
        List<Object> list = Arrays.asList(namesAndValues);
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < list.size(); i += 2) {
            object.put((String) list.get(i), list.get(i + 1));
        }
        return object;
    }

    private static String json(Object value) {
        if (value instanceof Map) {
            StringBuilder out = new StringBuilder("{");
            ((Map<?, ?>) value).forEach((name, member) ->
                    out.append(out.length() > 1 ? "," : "").append(json(name)).append(':').append(json(member)));
            return out.append('}').toString();
        }
        return value instanceof String ? quote((String) value) : String.valueOf(value);
    }

    private static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
