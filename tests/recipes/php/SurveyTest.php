<?php
// A test suite in PHP 8 that uses the fake, with PHPUnit and no other package.
//
//     SURVEYD=target/debug/surveyd phpunit tests/recipes/php

require_once __DIR__ . '/survey.php';
require_once __DIR__ . '/SurveydTestCase.php';

final class SurveyTest extends SurveydTestCase
{
    public function testTheClientGetsTheForm(): void
    {
        send_survey(self::$url, $this->token(), 1, 1);
        $sends = $this->admin('GET', 'sends');
        self::assertSame([[1, 1]], array_map(fn ($send) => [$send['clientId'], $send['qualityFormId']], $sends));
    }

    public function testARefusalCanBeExplained(): void
    {
        try {
            send_survey(self::$url, $this->token(), 2, 1);
            self::fail('client 2 has an open thread, and got a survey');
        } catch (RuntimeException $refusal) {
            self::assertSame('Client has open thread', $refusal->getMessage());
        }
        $rules = $this->admin('GET', 'attempts?client=2')[0]['rules'];
        self::assertContains(['rule' => 'noOpenThread', 'state' => 'failed', 'row' => '/admin/threads/3'], $rules);
    }

    public function testASendCanBeWaitedFor(): void
    {
        // Another process sends, as a worker of a queue would.
        $code = 'require $argv[1]; send_survey($argv[2], $argv[3], 1, 1);';
        $command = [PHP_BINARY, '-r', $code, '--', __DIR__ . '/survey.php', self::$url, $this->token()];
        $worker = proc_open($command, [], $pipes);
        self::assertCount(1, $this->admin('GET', 'sends?wait=5s&count=1'), 'no send in 5 s');
        self::assertSame(0, proc_close($worker));
    }
}
