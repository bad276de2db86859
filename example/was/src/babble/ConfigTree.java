package babble;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;

/**
 * A directory of files that are properties, read as Spring Boot reads {@code spring.config.import=configtree:/run/secrets/}:
 * the file's name is the property's, dots included, and its content the value. With {@code optional:} it may be missing.
 */
final class ConfigTree {
    private static final String OPTIONAL = "optional:";
    private static final String PREFIX = "configtree:";

    /** Null when nothing is imported. */
    private final Path directory;

    ConfigTree(String location) throws IOException {
        boolean optional = location.startsWith(OPTIONAL);
        String rest = optional ? location.substring(OPTIONAL.length()) : location;
        if (!rest.isEmpty() && !(rest.startsWith(PREFIX) && rest.endsWith("/"))) {
            throw new IOException("'" + location + "' is not of the form configtree:/directory/");
        }
        Path named = rest.isEmpty() ? null : Paths.get(rest.substring(PREFIX.length()));
        if (named != null && !optional && !Files.isDirectory(named)) {
            throw new IOException("there is no directory " + named);
        }
        directory = named;
    }

    /** The file that holds the property; null when there is none. */
    Path fileOf(String property) {
        Path file = directory == null ? null : directory.resolve(property);
        return file != null && Files.isRegularFile(file) ? file : null;
    }

    /** The file's content without the newline at its end. */
    static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).replaceFirst("\r?\n$", "");
    }
}
