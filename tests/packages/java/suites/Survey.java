import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** The code under test: sends form 1 or 2 to a client. */
final class Survey {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** Sends a form, and fails with the answer if it is not a 200. */
    static void send(String url, String token, long client, long form) throws IOException, InterruptedException {
        String body = String.format(
            "{\"clientId\":{\"type\":\"internalClientId\",\"id\":%d},\"qualityFormId\":%d}", client, form);
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/api/v1/quality/send"))
            .header("Authorization", "Bearer " + token).header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            String message = response.body().replaceAll("(?s).*\"message\" : \"(.*)\".*", "$1");
            throw new IllegalStateException(response.statusCode() + " " + message);
        }
    }

    private Survey() {}
}
