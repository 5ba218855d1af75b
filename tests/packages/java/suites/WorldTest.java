import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** Every method of World, with the whole answer where it has no random part. */
@ExtendWith(SurveydExtension.class)
class WorldTest {
    static final String NEW_YEAR = "{\"now\":\"2027-01-01T00:00:00.000Z\"}";

    @BeforeEach
    void stopTheClock(World world) {
        world.clock(NEW_YEAR);
    }

    static void send(World world, long client, long form) throws Exception {
        Survey.send(world.url(), world.token(), client, form);
    }

    static void assertRefused(String answer, World world, String token, long client) {
        var refusal = assertThrows(IllegalStateException.class, () -> Survey.send(world.url(), token, client, 1));
        assertEquals(answer, refusal.getMessage());
    }

    @Test
    void sendsAreThoseOfThisWorld(World world) throws Exception {
        assertEquals("[]", world.sends());
        send(world, 1, 1);
        assertEquals("[{\"sendingId\":1,\"qualityFormId\":1,\"threadId\":1,\"clientId\":1,"
            + "\"clientExternalId\":\"crm-1\",\"sentAt\":\"2027-01-01T00:00:00.000Z\","
            + "\"token\":\"test-crm\",\"delivery\":\"recorded\"}]", world.sends());
        assertEquals("[]", world.sends("client=2"));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3})
    void eachInvocationHasAWorld(long client, World world) throws Exception {
        send(world, client, client == 1 ? 1 : 2);
        assertEquals(world.sends(), world.sends("client=" + client));
        assertTrue(world.sends().startsWith("[{\"sendingId\":1,"), world.sends());
    }

    @Test
    void aSendCanBeWaitedFor(World world) throws Exception {
        var waiting = CompletableFuture.supplyAsync(() -> world.sends("wait=30s&count=1"));
        send(world, 1, 1);
        assertEquals(world.sends(), waiting.get());
    }

    @Test
    void attemptsExplainARefusal(World world) {
        assertRefused("409 Client has open thread", world, world.token(), 2);
        assertTrue(world.attempts("client=2").contains(
            "{\"rule\":\"noOpenThread\",\"state\":\"failed\",\"row\":\"/admin/threads/3\"}"), world.attempts());
        assertEquals("[]", world.attempts("status=200"));
    }

    @Test
    void tokensHaveRoles(World world) throws Exception {
        Survey.send(world.url(), world.tokenOf("billing"), 1, 1);
        assertTrue(world.sends().contains("\"token\":\"test-billing\""), world.sends());
        assertRefused("403 Role BOT may not do this; it takes INTEGRATOR, OPERATOR or SUPERVISOR",
            world, world.tokenOf("wrongrole"), 1);
        assertThrows(IllegalStateException.class, () -> Survey.send(world.url(), world.tokenOf("expired"), 1, 1));
    }

    @Test
    void aFaultIsForOneCall(World world) throws Exception {
        world.fault("{\"status\":503}");
        assertThrows(IllegalStateException.class, () -> send(world, 1, 1));
        assertEquals("[]", world.sends());
        send(world, 1, 1);
    }

    @Test
    void settingsRefuse(World world) {
        world.settings("{\"surveysViaExternalApi\":false}");
        assertRefused("409 Sending surveys via external api is disabled", world, world.token(), 1);
    }

    @Test
    void theClockMoves(World world) {
        world.clock("{\"advance\":\"PT2H\"}");
        assertEquals("{\"now\":\"2027-01-01T02:00:00.000Z\",\"real\":false,\"ticking\":false}",
            world.admin("GET", "clock", null));
    }

    @Test
    void rowsCanBePut(World world) throws Exception {
        world.put("clients/7", "{\"externalId\":\"crm-7\",\"name\":\"Grace\"}");
        world.put("threads/7", "{\"clientId\":7,\"channel\":1,\"status\":\"CLOSED\","
            + "\"startTime\":\"2026-03-01T10:00:00Z\",\"stateChangeTime\":\"2026-03-01T10:15:00Z\"}");
        world.put("forms/2/channels/1", null);
        send(world, 7, 2);
        assertTrue(world.sends().contains("\"threadId\":7"), world.sends());
    }

    @Test
    void aWorldFileReplacesEverything(World world) {
        world.world("{\"settings\":{\"surveysViaExternalApi\":true},\"clients\":[{\"id\":1,\"externalId\":\"only\"}]}");
        assertRefused("409 Client has no closed thread", world, world.token(), 1);
    }

    @Test
    void errorsHaveTheMessageOfTheFake(World world) {
        var error = assertThrows(IllegalStateException.class,
            () -> world.world("{\"clients\":[{\"id\":1,\"age\":3}]}"));
        assertEquals("PUT /admin/world: clients[0].age: unknown field `age`, expected one of "
            + "`id`, `externalId`, `name`, `phone`", error.getMessage());
        error = assertThrows(IllegalStateException.class, () -> world.world("{"));
        assertEquals("PUT /admin/world: not JSON: EOF while parsing an object at line 1 column 1", error.getMessage());
    }
}
