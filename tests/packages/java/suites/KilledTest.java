import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** A test that never ends. `run` kills its JVM with -9. */
@ExtendWith(SurveydExtension.class)
class KilledTest {
    /** Writes the process ids of the JVM and of its fake into the named pipe $PIPE, and waits. */
    @Test
    void neverEnds(World world) throws Exception {
        ProcessHandle jvm = ProcessHandle.current();
        long fake = jvm.children().findFirst().orElseThrow().pid();
        Files.writeString(Path.of(System.getenv("PIPE")), jvm.pid() + " " + fake + "\n");
        Thread.currentThread().join();
    }
}
