using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace NativeMm.Service.Loading;

/// <summary>One connection, one request at a time: no more of HTTP/1.1 than the service speaks, so that the load costs little beside it.</summary>
internal sealed class HttpConnection : IDisposable
{
    private const int HeadBytesMax = 1024;
    private readonly Socket _socket;
    private readonly ValueSet _values;
    private readonly byte[] _out = new byte[HeadBytesMax + ValueSet.BytesMax];
    private readonly byte[] _in = new byte[HeadBytesMax + ValueSet.BytesMax];

    private HttpConnection(Socket socket, ValueSet values) => (_socket, _values) = (socket, values);

    /// <summary>Connects to the loopback address.</summary>
    public static async Task<HttpConnection> OpenAsync(int port, ValueSet values)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port));
        return new HttpConnection(socket, values);
    }

    /// <summary>Reads a value and looks whether all of it is right.</summary>
    /// <returns>False when there is none.</returns>
    public async ValueTask<bool> GetAsync(int key)
    {
        (int status, int at, int length) = await AskAsync(Head("GET", $"/values/{key}", null));
        if (status == 404)
        {
            return false;
        }

        if (status != 200 || !_values.Matches(key, _in.AsSpan(at, length)))
        {
            throw new InvalidDataException($"The service answered {status} with {length} bytes that are not the value of {key}.");
        }

        return true;
    }

    /// <summary>Sets a value.</summary>
    public async ValueTask SetAsync(int key)
    {
        int length = ValueSet.LengthOf(key);
        int head = Head("PUT", $"/values/{key}", length);
        _values.Write(key, _out.AsSpan(head, length));
        await ExpectAsync(204, head + length);
    }

    /// <summary>Removes a value.</summary>
    public ValueTask RemoveAsync(int key) => ExpectAsync(204, Head("DELETE", $"/values/{key}", null));

    /// <summary>Begins a window of the collector's figures.</summary>
    public ValueTask BeginWindowAsync() => ExpectAsync(200, Head("POST", "/window", 0));

    /// <summary>The figures of the window.</summary>
    public async ValueTask<string> ReadWindowAsync()
    {
        (_, int at, int length) = await AskAsync(Head("GET", "/window", null));
        return Encoding.UTF8.GetString(_in, at, length);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private async ValueTask ExpectAsync(int expected, int bytes)
    {
        (int status, _, _) = await AskAsync(bytes);
        if (status != expected)
        {
            throw new InvalidDataException($"The service answered {status} instead of {expected}.");
        }
    }

    private int Head(string method, string path, int? length) =>
        Encoding.ASCII.GetBytes($"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{(length is null ? "" : $"Content-Length: {length}\r\n")}\r\n", _out);

    private async ValueTask<(int Status, int At, int Length)> AskAsync(int bytes)
    {
        for (int sent = 0; sent < bytes;)
        {
            sent += await _socket.SendAsync(_out.AsMemory(sent, bytes - sent));
        }

        int received = 0;
        int body;
        do
        {
            received += await ReceiveAsync(received);
            body = _in.AsSpan(0, received).IndexOf("\r\n\r\n"u8) + 4;
        }
        while (body < 4);
        int length = LengthOf(_in.AsSpan(0, body));
        while (received < body + length)
        {
            received += await ReceiveAsync(received);
        }

        return Utf8Parser.TryParse(_in.AsSpan("HTTP/1.1 ".Length, 3), out int status, out _)
            ? (status, body, length)
            : throw new InvalidDataException("The service does not speak HTTP/1.1.");
    }

    private static int LengthOf(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> name = "Content-Length: "u8;
        int at = head.IndexOf(name);
        return at >= 0 && Utf8Parser.TryParse(head[(at + name.Length)..], out int length, out _) ? length : 0;
    }

    private async ValueTask<int> ReceiveAsync(int received)
    {
        int more = await _socket.ReceiveAsync(_in.AsMemory(received));
        return more > 0 ? more : throw new InvalidDataException("The service closed the connection.");
    }
}
