import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** A test that never ends. `run` kills its JVM with -9. */
@ExtendWith(SurveydExtension.class)
class KilledTest {
    /** Writes the id of the fake's process into the named pipe $PIPE, and waits. */
    @Test
    void neverEnds(World world) throws Exception {
        long fake = ProcessHandle.current().children().findFirst().orElseThrow().pid();
        Files.writeString(Path.of(System.getenv("PIPE")), fake + "\n");
        Thread.currentThread().join();
    }
}
