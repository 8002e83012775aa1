using System.Text.Json;

namespace NativeMm.SampleService;

/// <summary>Asks a running service for everything once.</summary>
internal static class ServiceCheck
{
    /// <summary>Gives the number of wrong answers.</summary>
    public static async Task<int> RunAsync(string address)
    {
        using var client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromSeconds(60) };
        int failures = 0;
        byte[] body = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        using HttpResponseMessage reversed = await client.PostAsync("/reverse", new ByteArrayContent(body));
        Check("reverse", (await reversed.Content.ReadAsByteArrayAsync()).SequenceEqual(body.Reverse()));
        Check("health", (await client.GetStringAsync("/health")) is "Healthy" or "Degraded");
        Check("page", (await client.GetStringAsync("/nativemm")).Contains("/nativemm/page.js", StringComparison.Ordinal));
        using var state = JsonDocument.Parse(await client.GetStringAsync("/nativemm/data"));
        JsonElement process = state.RootElement.GetProperty("process");
        long sum = process.GetProperty("categories").EnumerateArray().Sum(category => category.GetProperty("bytes").GetInt64());
        Check("data", sum == process.GetProperty("resident").GetInt64());
        Check("text", (await client.GetStringAsync("/nativemm/text/buddyinfo")).StartsWith("Node 0", StringComparison.Ordinal));
        return failures;

        void Check(string name, bool right)
        {
            if (!right)
            {
                Console.Error.WriteLine($"{name}: a wrong answer");
                failures++;
            }
        }
    }
}
