<?php

/** The code under test: sends a form to a client. */
function send_survey(string $url, string $token, int $client, int $form): void
{
    $body = ['clientId' => ['type' => 'internalClientId', 'id' => $client], 'qualityFormId' => $form];
    $answer = file_get_contents("$url/api/v1/quality/send", false, stream_context_create(['http' => [
        'method' => 'POST',
        'header' => "Authorization: Bearer $token\r\nContent-Type: application/json",
        'content' => json_encode($body),
        'ignore_errors' => true,
    ]]));
    if (!str_contains($http_response_header[0], ' 200 ')) {
        throw new RuntimeException(json_decode($answer)->message);
    }
}
