<?php
// Starts the fake once, and gives each test a world, which is a database of its own. It runs $SURVEYD or `surveyd`.

use PHPUnit\Framework\TestCase;

abstract class SurveydTestCase extends TestCase
{
    protected static string $url = '';
    private string $world;
    private string $report = '';

    public static function setUpBeforeClass(): void
    {
        if (self::$url !== '') {
            return;
        }
        $command = [getenv('SURVEYD') ?: 'surveyd', 'fake', '--listen', '127.0.0.1:0', '--exit-on-stdin-close'];
        $fake = proc_open($command, [['pipe', 'r'], ['pipe', 'w']], $pipes);
        $ready = fgets($pipes[1]); // ready url=http://127.0.0.1:41235
        if (!$ready) {
            throw new RuntimeException('the fake did not start; its stderr says why, or set SURVEYD to a binary');
        }
        self::$url = substr(trim($ready), strlen('ready url='));
        // The fake exits when its stdin is closed: here, or because this process was killed.
        register_shutdown_function(function () use ($fake, $pipes) {
            fclose($pipes[0]);
            proc_close($fake);
        });
    }

    protected function setUp(): void
    {
        $this->world = bin2hex(random_bytes(16));
    }

    protected function tearDown(): void
    {
        $this->report = $this->call('GET', 'attempts', null, 'text/plain');
        $this->call('DELETE', 'world', null, 'application/json');
    }

    /** Prints the calls of the world of a failed test, and why they were refused. */
    protected function onNotSuccessfulTest(Throwable $failure): never
    {
        $report = $this->report ?: "nothing was asked in this world: does the code use its token, and its URL?\n";
        fwrite(STDERR, "\n$report");
        throw $failure;
    }

    /** The token for the code under test. */
    protected function token(): string
    {
        return "test-crm@$this->world";
    }

    /** Calls a route below /admin/, and returns its answer. */
    protected function admin(string $method, string $path, ?array $body = null): mixed
    {
        return json_decode($this->call($method, $path, $body, 'application/json'), true);
    }

    private function call(string $method, string $path, ?array $body, string $accept): string
    {
        $head = ["Authorization: Bearer test-admin@$this->world", "Accept: $accept", 'Content-Type: application/json'];
        $request = ['method' => $method, 'header' => $head, 'ignore_errors' => true];
        if ($body !== null) {
            $request['content'] = json_encode($body);
        }
        $answer = file_get_contents(self::$url . "/admin/$path", false, stream_context_create(['http' => $request]));
        if (!preg_match('/ 2\d\d /', $http_response_header[0] . ' ')) {
            throw new RuntimeException("$method /admin/$path: " . json_decode($answer)->message);
        }
        return $answer;
    }
}
