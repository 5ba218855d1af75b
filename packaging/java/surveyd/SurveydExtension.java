package surveyd;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolutionException;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives each test that takes a {@link World} one of its own, in a fake that all tests of the JVM share.
 *
 * <pre>
 * &#64;ExtendWith(SurveydExtension.class)
 * class SurveyTest {
 *     &#64;Test
 *     void theClientGetsTheForm(World world) {
 *         sendSurvey(world.url(), world.token(), 1, 1); // the code under test
 *         assertTrue(world.sends().contains("\"clientId\":1,"));
 *     }
 * }
 * </pre>
 *
 * The fake starts with the first world and ends with the last test. A test that fails has the calls of its world as
 * a suppressed exception, {@link Attempts}. These are configuration parameters of JUnit, so they stand in
 * {@code junit-platform.properties} or are system properties:
 *
 * <ul>
 * <li>{@code surveyd.flags}: flags of the fake, separated by spaces, such as {@code --world world.json} or
 * {@code --answers answers.json}
 * <li>{@code surveyd.binary}, or the environment variable {@code SURVEYD}: a binary to run instead of that of this jar
 * <li>{@code surveyd.url}, or the environment variable {@code SURVEYD_URL}: a running fake, instead of a new one
 * </ul>
 */
public final class SurveydExtension implements ParameterResolver, AfterEachCallback {
    private static final Namespace STORE = Namespace.create(SurveydExtension.class);
    /** For the start and the end of the fake, which takes milliseconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** Longer than the longest {@code wait} of the admin routes, which is 60 seconds. */
    private static final Duration LONGEST_CALL = Duration.ofSeconds(90);

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == World.class;
    }

    /** Makes the world of a test, and starts the fake before the first one. */
    @Override
    public World resolveParameter(ParameterContext parameter, ExtensionContext context) {
        if (context.getTestMethod().isEmpty()) {
            throw new ParameterResolutionException(
                "a World is for one test: take it as a parameter of the test or of @BeforeEach");
        }
        Fake fake = context.getRoot().getStore(STORE)
            .getOrComputeIfAbsent(Fake.class, key -> Fake.of(context), Fake.class);
        return context.getStore(STORE).getOrComputeIfAbsent(World.class, key -> new World(fake.url), World.class);
    }

    /** Adds what the test asked to its failure, and drops its world. */
    @Override
    public void afterEach(ExtensionContext context) {
        World world = context.getStore(STORE).remove(World.class, World.class);
        if (world == null) return;
        context.getExecutionException().ifPresent(failure -> failure.addSuppressed(new Attempts(world.report())));
        world.admin("DELETE", "world", null);
    }

    /**
     * A database of its own in the fake. JSON goes in and comes out as text, because the JDK has no parser for it.
     * Every method that calls the fake throws an {@link IllegalStateException} with the fake's message if it refuses.
     */
    public static final class World {
        private final String url;
        // Random, because several JVMs may share a fake.
        private final String name = UUID.randomUUID().toString();

        private World(String url) {
            this.url = url;
        }

        /** The address of the fake for the code under test, such as {@code http://127.0.0.1:41235}. */
        public String url() {
            return url;
        }

        /** A token that may send surveys. */
        public String token() {
            return tokenOf("crm");
        }

        /** The token of a user: {@code admin}, {@code wrongrole} (403), {@code expired} (401); any other may send. */
        public String tokenOf(String user) {
            return "test-" + user + "@" + name;
        }

        /** The surveys that were sent, as a list. */
        public String sends() {
            return sends("");
        }

        /** The sends that match a query. {@code wait=5s&count=1} waits up to 5 seconds for one. */
        public String sends(String query) {
            return admin("GET", "sends?" + query, null);
        }

        /** The calls of your code with the rules that they passed and failed, as a list. */
        public String attempts() {
            return attempts("");
        }

        /** The attempts that match a query, such as {@code status=409&client=2}. */
        public String attempts(String query) {
            return admin("GET", "attempts?" + query, null);
        }

        /** Makes the next call fail, for example by <code>{"status":503,"retryAfter":0}</code>. */
        public void fault(String json) {
            admin("POST", "faults", json);
        }

        /** Changes settings, for example by <code>{"surveysViaExternalApi":false}</code>. */
        public void settings(String json) {
            admin("PATCH", "settings", json);
        }

        /** Sets the clock, for example by <code>{"advance":"PT2H"}</code>. */
        public void clock(String json) {
            admin("PUT", "clock", json);
        }

        /** Writes a row, such as {@code channels/1}, {@code clients/7}, {@code threads/9} or {@code forms/2}. */
        public void put(String row, String json) {
            admin("PUT", row, json);
        }

        /** Replaces everything in this world by the text of a world file. */
        public void world(String json) {
            admin("PUT", "world", json);
        }

        /** Calls any route below {@code /admin/}; {@code json} is null for a call without a body. */
        public String admin(String method, String path, String json) {
            return call(method, path, json, "application/json");
        }

        private String report() {
            return call("GET", "attempts", null, "text/plain");
        }

        private String call(String method, String path, String json, String accept) {
            Answer answer;
            try {
                answer = Answer.of(method, URI.create(url + "/admin/" + path), tokenOf("admin"), accept, json);
            } catch (IOException error) {
                throw new IllegalStateException("the fake at " + url + " does not answer", error);
            }
            if (answer.status < 300) return answer.body;
            throw new IllegalStateException(method + " /admin/" + path + ": " + answer.message());
        }
    }

    /** The calls that a failed test made in its world, with the rules that refused them, as the message. */
    public static final class Attempts extends Exception {
        private static final long serialVersionUID = 1;
        private static final String NOTHING = "nothing was asked in this world: does the code use its token, and its URL?";

        private Attempts(String report) {
            // Without a stack trace: it would only show this file.
            super(report.isEmpty() ? NOTHING : report.stripTrailing(), null, false, false);
        }
    }

    /** The fake that all tests share. JUnit closes it after the last test. */
    private static final class Fake implements ExtensionContext.Store.CloseableResource, AutoCloseable {
        private final String url;
        // Null for a fake that something else started.
        private final Process process;

        private Fake(String url, Process process) {
            this.url = url;
            this.process = process;
        }

        static Fake of(ExtensionContext context) {
            String url = setting(context, "surveyd.url", "SURVEYD_URL");
            if (url != null) return running(url.replaceFirst("/+$", ""));
            String flags = context.getConfigurationParameter("surveyd.flags").orElse("");
            String binary = setting(context, "surveyd.binary", "SURVEYD");
            if (binary != null && !Files.exists(Path.of(binary))) {
                throw new ParameterResolutionException("there is no file " + binary
                    + "; set SURVEYD to a binary of surveyd, or unset it to use that of this package");
            }
            try {
                Process process = binary == null ? unpackAndRun(flags) : run(binary, flags);
                return new Fake(ready(process), process);
            } catch (IOException | InterruptedException error) {
                throw new ParameterResolutionException("the fake did not start: " + error.getMessage(), error);
            }
        }

        private static String setting(ExtensionContext context, String parameter, String variable) {
            return context.getConfigurationParameter(parameter).or(() -> Optional.ofNullable(System.getenv(variable)))
                .filter(value -> !value.isEmpty()).orElse(null);
        }

        private static Fake running(String url) {
            String advice = "; set SURVEYD_URL to the address of a `surveyd fake`,"
                + " such as http://127.0.0.1:8080, or unset it to start one";
            try {
                Answer answer = Answer.of("GET", URI.create(url + "/console.json"), "test-admin", "*/*", null);
                if (answer.body.contains("\"fake\":true")) return new Fake(url, null);
            } catch (IOException | IllegalArgumentException error) {
                throw new ParameterResolutionException("nothing answers at " + url + advice, error);
            }
            throw new ParameterResolutionException(url + " is not a fake of surveyd" + advice);
        }

        /** Runs the binary of this jar from a file that only this user can read, and removes the file at once. */
        private static Process unpackAndRun(String flags) throws IOException, InterruptedException {
            String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
            String machine = System.getProperty("os.arch").replace("amd64", "x86_64");
            try (InputStream binary = SurveydExtension.class.getResourceAsStream(system + "-" + machine + "/surveyd")) {
                if (binary == null) {
                    throw new ParameterResolutionException("this package has no surveyd for " + system + " " + machine
                        + "; run the fake in a container or WSL2 and set SURVEYD_URL to its address,"
                        + " or set SURVEYD to a binary");
                }
                Path file = Files.createTempFile("surveyd-", "",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                try {
                    try (OutputStream out = Files.newOutputStream(file)) {
                        binary.transferTo(out);
                    }
                    return run(file.toString(), flags);
                } finally {
                    Files.delete(file); // a program that runs does not need its name
                }
            }
        }

        /**
         * Starts the fake. If another thread starts a process meanwhile, that process inherits a file that we have just
         * written, until it runs its own program (JDK-8068370). Linux does not run a file that is open for writing, and
         * says so by error 26. So this tries again, for a second at most.
         */
        private static Process run(String binary, String flags) throws IOException, InterruptedException {
            List<String> command = new ArrayList<>(
                List.of(binary, "fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close"));
            if (!flags.isBlank()) command.addAll(List.of(flags.trim().split("\\s+")));
            for (int tries = 1; ; tries++) {
                try {
                    return new ProcessBuilder(command).redirectErrorStream(true).start();
                } catch (IOException error) {
                    if (tries == 200 || !error.getMessage().matches(".*error\\W+26\\b.*")) throw error;
                    Thread.sleep(5);
                }
            }
        }

        /** Waits for the line "ready url=…", and passes whatever else the fake prints to stderr. */
        private static String ready(Process process) throws IOException, InterruptedException {
            CompletableFuture<String> url = new CompletableFuture<>();
            Thread reader = new Thread(() -> {
                StringBuilder other = new StringBuilder();
                try (BufferedReader lines = new BufferedReader(
                    new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                    for (String line; (line = lines.readLine()) != null; ) {
                        if (line.startsWith("ready url=")) {
                            System.err.print(other);
                            url.complete(line.substring("ready url=".length()));
                        } else if (url.isDone()) {
                            System.err.println(line);
                        } else {
                            other.append(line).append(System.lineSeparator());
                        }
                    }
                } catch (IOException closed) {
                    // The process was ended below.
                }
                String words = other.toString().strip();
                url.completeExceptionally(new IOException(words.isEmpty() ? "it ended without a word" : words));
            }, "surveyd output");
            reader.setDaemon(true);
            reader.start();
            try {
                return url.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            } catch (ExecutionException error) {
                throw new IOException(error.getCause().getMessage(), error);
            } catch (TimeoutException error) {
                throw new IOException("it is not ready after " + PATIENCE.toSeconds() + " s", error);
            } finally {
                if (!url.isDone() || url.isCompletedExceptionally()) process.destroyForcibly();
            }
        }

        /** Ends the fake. */
        @Override
        public void close() throws IOException {
            if (process == null) return;
            process.getOutputStream().close();
            process.onExit().completeOnTimeout(null, PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
            process.destroyForcibly(); // does nothing if it has ended
        }
    }

    /** A call over a plain socket: HttpURLConnection has no PATCH, and HttpClient takes 0.4 s to load. */
    private static final class Answer {
        private static final Pattern MESSAGE = Pattern.compile("\"message\" : \"((?:[^\"\\\\]|\\\\.)*)\"");

        private final int status;
        private final String body;

        private Answer(int status, String body) {
            this.status = status;
            this.body = body;
        }

        /** The answer to a call of HTTP/1.0, which ends when the server closes the connection. */
        static Answer of(String method, URI uri, String token, String accept, String json) throws IOException {
            byte[] body = json == null ? new byte[0] : json.getBytes(StandardCharsets.UTF_8);
            String path = uri.getRawQuery() == null ? uri.getRawPath() : uri.getRawPath() + "?" + uri.getRawQuery();
            String head = String.join("\r\n", method + " " + path + " HTTP/1.0", "Host: " + uri.getRawAuthority(),
                "Authorization: Bearer " + token, "Accept: " + accept, "Content-Type: application/json",
                "Content-Length: " + body.length, "", "");
            try (Socket socket = new Socket(uri.getHost(), uri.getPort() < 0 ? 80 : uri.getPort())) {
                socket.setSoTimeout((int) LONGEST_CALL.toMillis());
                OutputStream out = socket.getOutputStream();
                out.write(head.getBytes(StandardCharsets.UTF_8));
                out.write(body);
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
                int end = answer.indexOf("\r\n\r\n");
                if (!answer.startsWith("HTTP/1.") || end < 0) throw new IOException("not an answer of HTTP: " + answer);
                return new Answer(Integer.parseInt(answer.substring(9, 12)), answer.substring(end + 4));
            }
        }

        /** The message of an error, or the whole body if it has none. */
        String message() {
            Matcher message = MESSAGE.matcher(body);
            return message.find() ? message.group(1).replaceAll("\\\\(.)", "$1") : body;
        }
    }
}
