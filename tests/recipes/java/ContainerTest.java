// The fake in a container, where this package has no binary: with Testcontainers 1.x. UNTRIED.
//
// The image has no shell, and the default check of a port needs one. So wait for an answer to /livez.

import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

@ExtendWith(SurveydExtension.class)
class ContainerTest {
    static {
        var fake = new GenericContainer<>("localhost/surveyd:0.1.0")
            .withCommand("fake", "--listen", "0.0.0.0:8080").withExposedPorts(8080).waitingFor(Wait.forHttp("/livez"));
        fake.start(); // Testcontainers stops it when the JVM ends
        System.setProperty("surveyd.url", "http://" + fake.getHost() + ":" + fake.getMappedPort(8080));
    }

    @Test
    void theClientGetsTheForm(World world) throws Exception {
        SurveyTest.sendSurvey(world.url(), world.token(), 1, 1);
        assertTrue(world.sends().contains("\"clientId\":1,"), world.sends());
    }
}
