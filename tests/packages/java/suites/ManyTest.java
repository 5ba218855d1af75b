import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** As many worlds as a large suite has. Each send is the first of its world, so no two tests share one. */
@ExtendWith(SurveydExtension.class)
class ManyTest {
    @RepeatedTest(300)
    void eachTestHasItsOwnWorld(World world) throws Exception {
        Survey.send(world.url(), world.token(), 1, 1);
        String sends = world.sends();
        assertEquals("[{\"sendingId\":1,", sends.substring(0, 16), sends);
        assertEquals(1, sends.split("sendingId", -1).length - 1, sends);
    }
}
