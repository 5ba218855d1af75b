// UNTRIED: written without .NET at hand. A test suite in C# that uses the fake, with xUnit 2 and .NET 8.
//
//     SURVEYD=$PWD/target/debug/surveyd dotnet test tests/recipes/dotnet

using System.Net.Http.Json;
using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

public sealed class SurveyTests(SurveydFake fake, ITestOutputHelper output) : SurveydTests(fake, output)
{
    private static readonly HttpClient Http = new(new HttpClientHandler { UseProxy = false });

    /// <summary>The code under test: sends a form to a client.</summary>
    private static async Task SendSurvey(string url, string token, long client, long form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/api/v1/quality/send")
        {
            Content = JsonContent.Create(new
            {
                clientId = new { type = "internalClientId", id = client },
                qualityFormId = form,
            }),
        };
        request.Headers.Authorization = new("Bearer", token);
        using var response = await Http.SendAsync(request);
        if (response.IsSuccessStatusCode) return;
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        throw new InvalidOperationException(answer.GetProperty("message").GetString());
    }

    [Fact]
    public async Task TheClientGetsTheForm()
    {
        await SendSurvey(Url, Token, 1, 1);
        var send = Assert.Single((await Admin(HttpMethod.Get, "sends")).EnumerateArray());
        Assert.Equal(1, send.GetProperty("clientId").GetInt64());
        Assert.Equal(1, send.GetProperty("qualityFormId").GetInt64());
    }

    [Fact]
    public async Task ARefusalCanBeExplained()
    {
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => SendSurvey(Url, Token, 2, 1));
        Assert.Equal("Client has open thread", refusal.Message);
        var attempts = await Admin(HttpMethod.Get, "attempts?client=2");
        var failed = attempts[0].GetProperty("rules").EnumerateArray()
            .Single(rule => rule.GetProperty("state").GetString() == "failed");
        Assert.Equal("noOpenThread", failed.GetProperty("rule").GetString());
        Assert.Equal("/admin/threads/3", failed.GetProperty("row").GetString());
    }

    [Fact]
    public async Task ASendCanBeWaitedFor()
    {
        var waiting = Admin(HttpMethod.Get, "sends?wait=5s&count=1");
        await SendSurvey(Url, Token, 1, 1);
        Assert.Equal(1, (await waiting).GetArrayLength()); // 0 after 5 s without a send
    }
}
