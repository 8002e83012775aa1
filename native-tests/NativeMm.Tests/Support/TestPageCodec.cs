using NativeMm.Buffers;

namespace NativeMm.Tests.Support;

/// <summary>A codec that does what a test says: lies, throws, or waits in the middle of the work. Unless told otherwise it is Brotli.</summary>
public sealed class TestPageCodec : IPageCodec
{
    /// <summary>Called before a page is compressed.</summary>
    public Action? Compressing { get; set; }

    /// <summary>Called before a page is restored.</summary>
    public Action? Decompressing { get; set; }

    /// <summary>The length to report instead of the true one.</summary>
    public Func<int, int> ReportedBytes { get; set; } = bytes => bytes;

    /// <summary>Whether it finds every page incompressible.</summary>
    public bool Refuses { get; set; }

    /// <summary>Bytes that it had for the last compressed page.</summary>
    public int Room { get; private set; }

    /// <summary>What becomes of a restored page.</summary>
    public Action<byte[]> Restored { get; set; } = _ => { };

    /// <inheritdoc/>
    public string Name => "test";

    /// <inheritdoc/>
    public bool TryCompress(ReadOnlySpan<byte> page, Span<byte> destination, out int bytesWritten)
    {
        Compressing?.Invoke();
        Room = destination.Length;
        bool fits = PageCodecs.Brotli.TryCompress(page, destination, out int bytes);
        bytesWritten = ReportedBytes(bytes);
        return fits && !Refuses;
    }

    /// <inheritdoc/>
    public bool TryDecompress(ReadOnlySpan<byte> compressed, Span<byte> page)
    {
        Decompressing?.Invoke();
        byte[] restored = new byte[page.Length];
        bool whole = PageCodecs.Brotli.TryDecompress(compressed, restored);
        Restored(restored);
        restored.CopyTo(page);
        return whole;
    }
}
