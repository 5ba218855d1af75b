// A test suite in Java that uses the fake: JDK 17 or newer, JUnit 5, and the jar of packaging/java/pack.
// tests/packages/java/run runs it.

import static org.junit.jupiter.api.Assertions.*;

import java.net.URI;
import java.net.http.*;
import java.util.concurrent.*;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

@ExtendWith(SurveydExtension.class)
class SurveyTest {
    /** The code under test: sends a form to a client, and retries once after a 503, when Retry-After is over. */
    static void sendSurvey(String url, String token, long clientId, long formId) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url + "/api/v1/quality/send"))
            .header("Authorization", "Bearer " + token).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString("""
                {"clientId":{"type":"internalClientId","id":%d},"qualityFormId":%d}""".formatted(clientId, formId)))
            .build();
        var http = HttpClient.newHttpClient();
        var response = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() == 503) {
            TimeUnit.SECONDS.sleep(response.headers().firstValueAsLong("Retry-After").orElseThrow());
            response = http.send(request, HttpResponse.BodyHandlers.ofString());
        }
        if (response.statusCode() != 200) throw new IllegalStateException(response.body());
    }

    @Test
    void theClientGetsTheForm(World world) throws Exception {
        sendSurvey(world.url(), world.token(), 1, 1);
        assertTrue(world.sends().contains("\"qualityFormId\":1,\"threadId\":1,\"clientId\":1,"), world.sends());
    }

    @Test
    void aRefusalCanBeExplained(World world) {
        var refusal = assertThrows(IllegalStateException.class,
            () -> sendSurvey(world.url(), world.token(), 2, 1));
        assertTrue(refusal.getMessage().contains("\"Client has open thread\""), refusal.getMessage());
        assertTrue(world.attempts("client=2").contains("""
            {"rule":"noOpenThread","state":"failed","row":"/admin/threads/3"}"""), world.attempts());
    }

    @Test
    void a503IsRetried(World world) throws Exception {
        world.fault("""
            {"times": 1, "status": 503, "retryAfter": 0}""");
        sendSurvey(world.url(), world.token(), 1, 1);
        assertEquals(2, world.sends().split("\"sendingId\"").length, "not one send: " + world.sends());
    }

    @Test
    void aSendCanBeWaitedFor(World world) throws Exception {
        var waiting = CompletableFuture.supplyAsync(() -> world.sends("wait=5s&count=1"));
        sendSurvey(world.url(), world.token(), 1, 1);
        assertTrue(waiting.get().contains("\"clientId\":1,"), "no send in 5 s");
    }
}
