import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** The fake starts while other threads start processes, which for a moment hold the file of its binary open. */
@ExtendWith(SurveydExtension.class)
class BusyTest {
    private static volatile boolean ends;
    private static final Thread[] OTHERS = new Thread[8];

    @BeforeAll
    static void startProcesses() {
        for (int at = 0; at < OTHERS.length; at++) {
            OTHERS[at] = new Thread(() -> {
                while (!ends) {
                    try {
                        new ProcessBuilder("/bin/true").start().waitFor();
                    } catch (Exception error) {
                        throw new AssertionError(error);
                    }
                }
            });
            OTHERS[at].start();
        }
    }

    @AfterAll
    static void stop() throws InterruptedException {
        ends = true;
        for (Thread other : OTHERS) other.join();
    }

    @Test
    void theFakeStarts(World world) throws Exception {
        Survey.send(world.url(), world.token(), 1, 1);
    }
}
