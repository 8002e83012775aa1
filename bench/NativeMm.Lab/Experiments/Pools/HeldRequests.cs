using System.Net;
using System.Net.Sockets;
using System.Text;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Pools;

/// <summary>
/// Many requests that are all under way at one moment, each with its buffers in its hands, and then none: what of that memory the server keeps. The clients are
/// bare sockets over one array whose connections are open before and after, so that the figure is that of the server's buffers.
/// </summary>
internal sealed class HeldRequests
{
    private const int Connections = 256;
    private static readonly TimeSpan s_timeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(15);

    private readonly TaskCompletionSource _allThere = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;

    /// <summary>For the server: returns when every one of the requests has come this far.</summary>
    public Task WaitAsync()
    {
        if (Interlocked.Increment(ref _count) == Connections)
        {
            _allThere.SetResult();
        }

        return _goOn.Task;
    }

    /// <summary>Loads the server once, leaves it alone and looks at what it keeps.</summary>
    /// <param name="server">Where it listens.</param>
    /// <param name="smallPath">What each connection asks for first; the answer is one byte.</param>
    /// <param name="path">What is asked for then.</param>
    /// <param name="body">What is sent; nothing for a GET.</param>
    /// <param name="answerBytes">How long the answer is.</param>
    /// <returns>Percent of what the requests added to the resident bytes that is there 15 s after them.</returns>
    public async Task<double> MeasureKeptAsync(Uri server, string smallPath, string path, byte[] body, int answerBytes)
    {
        var sockets = new Socket[Connections];
        try
        {
            for (int i = 0; i < sockets.Length; i++)
            {
                sockets[i] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await sockets[i].ConnectAsync(IPAddress.Loopback, server.Port);
            }

            // What a connection has beside its buffers is there, and what the load before left has gone.
            byte[] piece = new byte[64 << 10];
            await AskAsync(sockets, smallPath, []);
            await ReadAsync(sockets, piece, 1);
            await Task.Delay(s_idle);
            ulong before = ResidentMemory.Now;
            await AskAsync(sockets, path, body);
            await _allThere.Task.WaitAsync(s_timeout);
            ulong loaded = ResidentMemory.Now;
            _goOn.SetResult();
            await ReadAsync(sockets, piece, answerBytes);
            await Task.Delay(s_idle);
            ulong idle = ResidentMemory.Now;
            return loaded > before && idle > before ? 100.0 * (idle - before) / (loaded - before) : 0;
        }
        finally
        {
            Array.ForEach(sockets, socket => socket?.Dispose());
        }
    }

    private static async Task AskAsync(Socket[] sockets, string path, byte[] body)
    {
        byte[] head = Encoding.ASCII.GetBytes(
            $"{(body.Length == 0 ? "GET" : "POST")} {path} HTTP/1.1\r\nHost: lab\r\nContent-Length: {body.Length}\r\n\r\n");
        foreach (Socket socket in sockets)
        {
            await socket.SendAsync(head);
            for (int sent = 0; sent < body.Length;)
            {
                sent += await socket.SendAsync(body.AsMemory(sent));
            }
        }
    }

    /// <summary>Reads an answer of each connection to its last byte.</summary>
    private static async Task ReadAsync(Socket[] sockets, byte[] piece, int answerBytes)
    {
        foreach (Socket socket in sockets)
        {
            // The head fits in the piece.
            int had = 0;
            int head;
            while ((head = piece.AsSpan(0, had).IndexOf("\r\n\r\n"u8)) < 0)
            {
                had += await ReceiveAsync(socket, piece.AsMemory(had));
            }

            for (int left = answerBytes - (had - head - 4); left > 0;)
            {
                left -= await ReceiveAsync(socket, piece);
            }
        }
    }

    private static async Task<int> ReceiveAsync(Socket socket, Memory<byte> piece)
    {
        int read = await socket.ReceiveAsync(piece);
        return read != 0 ? read : throw new InvalidDataException("The server closed a connection in the middle of an answer.");
    }
}
