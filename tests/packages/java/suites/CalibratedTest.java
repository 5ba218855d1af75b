import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** A fake with an answers file, which `run` writes. */
@ExtendWith(SurveydExtension.class)
class CalibratedTest {
    @Test
    void anUnknownClientHasTheAnswerOfTheFile(World world) {
        var refusal = assertThrows(IllegalStateException.class, () -> Survey.send(world.url(), world.token(), 9, 1));
        assertEquals("404 There is no client 9", refusal.getMessage());
    }
}
