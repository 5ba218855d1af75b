// UNTRIED: written without .NET at hand.
//
// The helper of SurveyTests.cs: it starts the fake once, and gives each test a world, which is a database of its own.
// It runs $SURVEYD or `surveyd`. Where there is no binary, such as on Windows, run the fake in WSL2 or a container,
// and set SURVEYD_URL to its address.

using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Xunit;
using Xunit.Abstractions;

/// <summary>The fake of all tests. It exits when its stdin is closed, or when this process ends.</summary>
public sealed class SurveydFake : IDisposable
{
    private readonly Process? process;

    public string Url { get; }

    public SurveydFake()
    {
        if (Environment.GetEnvironmentVariable("SURVEYD_URL") is { Length: > 0 } url)
        {
            Url = url.TrimEnd('/');
            return;
        }
        process = Process.Start(new ProcessStartInfo
        {
            FileName = Environment.GetEnvironmentVariable("SURVEYD") ?? "surveyd",
            ArgumentList = { "fake", "--listen", "127.0.0.1:0", "--exit-on-stdin-close" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        // ready url=http://127.0.0.1:41235
        var ready = process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException("the fake did not start; its stderr says why");
        Url = ready["ready url=".Length..];
    }

    public void Dispose()
    {
        process?.StandardInput.Close();
        process?.WaitForExit();
    }
}

/// <summary>Classes of this collection share one fake.</summary>
[CollectionDefinition("surveyd")]
public sealed class SurveydCollection : ICollectionFixture<SurveydFake>;

/// <summary>
/// The base of a test class. xUnit makes an object for each test, so each test has a world. xUnit 2 does not tell the
/// object whether its test failed, so the calls of the world are always in the output of the test.
/// </summary>
[Collection("surveyd")]
public abstract class SurveydTests(SurveydFake fake, ITestOutputHelper output) : IAsyncLifetime
{
    private readonly HttpClient http = new(new HttpClientHandler { UseProxy = false });
    private readonly string world = Guid.NewGuid().ToString("N");

    protected string Url => fake.Url;

    /// <summary>The token for the code under test.</summary>
    protected string Token => $"test-crm@{world}";

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        var report = await Call(HttpMethod.Get, "attempts", null, "text/plain");
        output.WriteLine(report.Length > 0
            ? report : "nothing was asked in this world: does the code use its token, and its URL?");
        await Call(HttpMethod.Delete, "world", null, "application/json");
        http.Dispose();
    }

    /// <summary>Calls a route below /admin/ and returns its JSON.</summary>
    protected async Task<JsonElement> Admin(HttpMethod method, string path, object? body = null)
    {
        var answer = await Call(method, path, body, "application/json");
        return answer.Length > 0 ? JsonDocument.Parse(answer).RootElement : default;
    }

    private async Task<string> Call(HttpMethod method, string path, object? body, string accept)
    {
        using var request = new HttpRequestMessage(method, $"{fake.Url}/admin/{path}");
        request.Headers.Authorization = new("Bearer", $"test-admin@{world}");
        request.Headers.Accept.ParseAdd(accept);
        if (body is not null) request.Content = JsonContent.Create(body);
        using var response = await http.SendAsync(request);
        var answer = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? answer : throw new InvalidOperationException($"{method} /admin/{path}: {answer}");
    }
}
