// A test suite in Java that uses the fake: JDK 17 or newer, no libraries. It runs $SURVEYD or `surveyd`.
//
//     SURVEYD=target/debug/surveyd java tests/recipes/java/SurveyTest.java

import java.net.URI;
import java.net.http.*;
import java.util.concurrent.*;

class SurveyTest {
    static final HttpClient HTTP = HttpClient.newHttpClient();
    static String url;

    /** The code under test: sends a form to a client, and retries once after a 503, when Retry-After is over. */
    static Void sendSurvey(String url, String token, long clientId, long formId) throws Exception {
        var body = """
            {"clientId":{"type":"internalClientId","id":%d},"qualityFormId":%d}""".formatted(clientId, formId);
        var response = call(url + "/api/v1/quality/send", token, body);
        if (response.statusCode() == 503) {
            TimeUnit.SECONDS.sleep(response.headers().firstValueAsLong("Retry-After").orElseThrow());
            response = call(url + "/api/v1/quality/send", token, body);
        }
        if (response.statusCode() != 200) throw new IllegalStateException(response.body());
        return null;
    }

    static HttpResponse<String> call(String url, String token, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url)).header("Authorization", "Bearer " + token);
        if (body != null) {
            request.header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    }

    /** Calls an admin route in a world: a database of its own, created when a token first names it. */
    static String admin(String world, String path, String body) throws Exception {
        var response = call(url + "/admin/" + path, "test-admin@" + world, body);
        check(response.statusCode() < 300, response.body());
        return response.body();
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) throw new AssertionError(otherwise);
    }

    static void eachWorldHasItsOwnSends(ExecutorService pool) throws Exception {
        var one = pool.submit(() -> sendSurvey(url, "test-crm@w1", 1, 1));
        var two = pool.submit(() -> sendSurvey(url, "test-crm@w2", 3, 2));
        one.get();
        two.get();
        String sends1 = admin("w1", "sends", null), sends2 = admin("w2", "sends", null);
        check(sends1.contains("\"clientId\":1,") && !sends1.contains("\"clientId\":3,"), sends1);
        check(sends2.contains("\"clientId\":3,") && !sends2.contains("\"clientId\":1,"), sends2);
    }

    static void aRefusalCanBeExplained() throws Exception {
        try {
            sendSurvey(url, "test-crm@refusal", 2, 1);
            throw new AssertionError("client 2 has an open thread, and got a survey");
        } catch (IllegalStateException refusal) {
            check(refusal.getMessage().contains("\"Client has open thread\""), refusal.getMessage());
        }
        var attempts = admin("refusal", "attempts?client=2", null);
        check(attempts.contains("""
            {"rule":"noOpenThread","state":"failed","row":"/admin/threads/3"}"""), attempts);
    }

    static void a503IsRetried() throws Exception {
        admin("retry", "faults", """
            {"times": 1, "status": 503, "retryAfter": 0}""");
        sendSurvey(url, "test-crm@retry", 1, 1);
        var sends = admin("retry", "sends", null);
        check(sends.split("\"sendingId\"").length == 2, "not one send: " + sends);
    }

    static void aSendCanBeWaitedFor(ExecutorService pool) throws Exception {
        var waiting = pool.submit(() -> admin("wait", "sends?wait=5s&count=1", null));
        sendSurvey(url, "test-crm@wait", 1, 1);
        check(waiting.get().contains("\"clientId\":1,"), "no send in 5 s");
    }

    public static void main(String[] args) throws Exception {
        var binary = System.getenv().getOrDefault("SURVEYD", "surveyd");
        var fake = new ProcessBuilder(binary, "fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close")
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        var pool = Executors.newCachedThreadPool();
        try (var stdin = fake.getOutputStream()) { // the fake exits when this is closed, or when this JVM ends
            var ready = fake.inputReader().readLine(); // ready url=http://127.0.0.1:41235
            check(ready != null, "the fake did not start; its stderr says why");
            url = ready.split("url=")[1];
            eachWorldHasItsOwnSends(pool);
            aRefusalCanBeExplained();
            a503IsRetried();
            aSendCanBeWaitedFor(pool);
            System.out.println("4 passed");
        } finally {
            pool.shutdown();
        }
    }
}
