using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace NativeMm.Extensions.Tests.LivePage;

/// <summary>A headless Chromium, driven by its own protocol. One page, one call at a time.</summary>
internal sealed class Browser : IAsyncDisposable
{
    // Shorter than the timeout of a call, so that the page says what it waited for. On a busy machine an update of the page may take many seconds.
    private const int PageWaitMilliseconds = 240_000;

    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(5);
    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private int _calls;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>Where it is; null where there is none.</summary>
    public static string? Path { get; } = ((string[])["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]).FirstOrDefault(File.Exists);

    /// <summary>Errors of the page's console, exceptions, and requests that failed.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>The addresses that the page asked for.</summary>
    public List<string> Requests { get; } = [];

    /// <summary>Starts it with an empty page.</summary>
    public static async Task<Browser> StartAsync()
    {
        string profile = Directory.CreateTempSubdirectory("nativemm-browser-").FullName;
        var start = new ProcessStartInfo(Path!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-extensions", "--remote-debugging-port=0", $"--user-data-dir={profile}", "about:blank"])
        {
            start.ArgumentList.Add(argument);
        }

        var browser = new Browser(Process.Start(start)!, profile);
        try
        {
            await browser.ConnectAsync().WaitAsync(s_timeout);
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }

        return browser;
    }

    /// <summary>Calls a method of the protocol.</summary>
    public async Task<JsonElement> CallAsync(string method, object? parameters = null)
    {
        int id = ++_calls;
        byte[] call = JsonSerializer.SerializeToUtf8Bytes(new { id, method, @params = parameters ?? new { } });
        await _socket.SendAsync(call, WebSocketMessageType.Text, true, CancellationToken.None).WaitAsync(s_timeout);
        while (true)
        {
            JsonElement message = await ReceiveAsync().WaitAsync(s_timeout);
            if (message.TryGetProperty("id", out JsonElement answered) && answered.GetInt32() == id)
            {
                return message.TryGetProperty("result", out JsonElement result)
                    ? result : throw new InvalidOperationException($"{method}: {message.GetRawText()}");
            }

            Note(message);
        }
    }

    /// <summary>The value of an expression in the page; promises are waited for.</summary>
    public async Task<JsonElement> EvaluateAsync(string expression)
    {
        JsonElement result = await CallAsync("Runtime.evaluate", new { expression, awaitPromise = true, returnByValue = true });
        return result.TryGetProperty("exceptionDetails", out JsonElement failure)
            ? throw new InvalidOperationException($"{expression}: {failure.GetRawText()}")
            : result.GetProperty("result").TryGetProperty("value", out JsonElement value) ? value : default;
    }

    /// <summary>Waits in the page until an expression is true.</summary>
    public Task WaitForAsync(string condition) => EvaluateAsync(
        $"new Promise((done, fail) => {{ const end = Date.now() + {PageWaitMilliseconds}; const look = () => ({condition}) ? done(true) : Date.now() > end ? "
        + $"fail(new Error('waited in vain')) : setTimeout(look, 50); look(); }})");

    /// <summary>Presses a key.</summary>
    public async Task PressAsync(string key, int code, string? text = null)
    {
        await CallAsync("Input.dispatchKeyEvent", new { type = "keyDown", key, code = key, windowsVirtualKeyCode = code, text = text ?? "" });
        await CallAsync("Input.dispatchKeyEvent", new { type = "keyUp", key, code = key, windowsVirtualKeyCode = code });
    }

    /// <summary>Writes a picture of the whole page.</summary>
    public async Task SaveScreenshotAsync(string path)
    {
        JsonElement picture = await CallAsync("Page.captureScreenshot", new { format = "png", captureBeyondViewport = true });
        await File.WriteAllBytesAsync(path, picture.GetProperty("data").GetBytesFromBase64());
    }

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync().WaitAsync(s_timeout);
        _process.Dispose();
        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // A helper process of the browser still writes; the folder is a temporary one.
        }
    }

    /// <summary>The browser says on its standard error where it listens, and lists its pages there.</summary>
    private async Task ConnectAsync()
    {
        string? line;
        do
        {
            line = await _process.StandardError.ReadLineAsync();
        }
        while (line is not null && !line.Contains("DevTools listening on ", StringComparison.Ordinal));
        var listening = new Uri((line ?? throw new InvalidOperationException("The browser ended.")).Split(' ')[^1]);
        _ = _process.StandardError.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
        using var client = new HttpClient();
        using var pages = JsonDocument.Parse(await client.GetStringAsync($"http://127.0.0.1:{listening.Port}/json/list"));
        JsonElement page = pages.RootElement.EnumerateArray().First(one => one.GetProperty("type").GetString() == "page");
        await _socket.ConnectAsync(new Uri(page.GetProperty("webSocketDebuggerUrl").GetString()!), CancellationToken.None);
        foreach (string domain in (string[])["Page", "Runtime", "Log", "Network"])
        {
            await CallAsync(domain + ".enable");
        }
    }

    private async Task<JsonElement> ReceiveAsync()
    {
        using var message = new MemoryStream();
        byte[] piece = new byte[64 << 10];
        WebSocketReceiveResult received;
        do
        {
            received = await _socket.ReceiveAsync(piece, CancellationToken.None);
            message.Write(piece, 0, received.Count);
        }
        while (!received.EndOfMessage);
        using var json = JsonDocument.Parse(Encoding.UTF8.GetString(message.GetBuffer(), 0, (int)message.Length));
        return json.RootElement.Clone();
    }

    private void Note(JsonElement message)
    {
        string method = message.GetProperty("method").GetString()!;
        JsonElement parameters = message.GetProperty("params");
        if (method == "Network.requestWillBeSent")
        {
            Requests.Add(parameters.GetProperty("request").GetProperty("url").GetString()!);
        }
        else if (method == "Runtime.exceptionThrown"
            || (method == "Log.entryAdded" && parameters.GetProperty("entry").GetProperty("level").GetString() == "error")
            || (method == "Runtime.consoleAPICalled" && parameters.GetProperty("type").GetString() == "error"))
        {
            Errors.Add(parameters.GetRawText());
        }
    }
}
