import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import surveyd.SurveydExtension;
import surveyd.SurveydExtension.World;

/** Tests that must fail. `run` compares what JUnit prints with failures.txt. */
@ExtendWith(SurveydExtension.class)
@TestMethodOrder(MethodOrderer.MethodName.class)
class FailingTest {
    @Test
    void aRefusalIsExplained(World world) throws Exception {
        Survey.send(world.url(), world.token(), 1, 1);
        Survey.send(world.url(), world.token(), 2, 1);
    }

    @Test
    void codeWithoutTheTokenAskedNothing(World world) throws Exception {
        Survey.send(world.url(), "test-crm", 2, 1);
    }

    @Nested
    class AfterEachToo {
        @Test
        void passes(World world) throws Exception {
            Survey.send(world.url(), world.token(), 1, 1);
        }

        @AfterEach
        void fails() {
            fail("after each");
        }
    }

    @Nested
    class NotForAClass {
        @BeforeAll
        static void before(World world) {}

        @Test
        void isNotReached() {}
    }
}
