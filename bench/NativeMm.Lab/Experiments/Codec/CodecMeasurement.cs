using NativeMm.Buffers;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Pages;

namespace NativeMm.Lab.Experiments.Codec;

/// <summary>Compresses and restores all pages again and again, and checks once that they come back as they were.</summary>
internal sealed class CodecMeasurement
{
    private const int OperationsOfWarmUp = 64;

    private readonly IPageCodec _codec;
    private readonly byte[][] _pages;
    private readonly byte[][] _compressed;
    private readonly int _incompressible;

    public CodecMeasurement(IPageCodec codec, PageSet pages)
    {
        _codec = codec;
        _pages = [.. Enumerable.Range(0, pages.Count).Where(i => !pages.IsSameFilled(i)).Select(i => pages[i].ToArray())];
        byte[] room = new byte[CompressedPages.CompressedMax];
        _compressed = [.. _pages.Select(p => codec.TryCompress(p, room, out int length) ? room[..length] : []).Where(c => c.Length > 0)];
        _incompressible = _pages.Length - _compressed.Length;
    }

    /// <summary>Measures both directions.</summary>
    public Measurement Measure(MeasurementRequest request)
    {
        using var crew = new ThreadCrew(request.Case.Threads, request.Pin);
        byte[][] rooms = [.. Enumerable.Range(0, crew.Size).Select(_ => new byte[PageSet.PageBytes])];
        CheckRoundTrip(rooms[0]);
        double compress = Best(crew, (thread, n) => Compress(rooms[thread], n), request.Seconds);
        double restore = Best(crew, (thread, n) => Restore(rooms[thread], n), request.Seconds);
        return new Measurement()
            .Add("compress_ns", compress)
            .Add("decompress_ns", restore)
            .Add("ratio", (double)_compressed.Length * PageSet.PageBytes / _compressed.Sum(c => (long)c.Length))
            .Add("incompressible", _incompressible)
            .Add("allocated_per_page", AllocatedPerPage(rooms[0]));
    }

    private static double Best(ThreadCrew crew, Action<int, int> round, double seconds) =>
        RoundTimer.Best(crew, 1, thread => round(thread, OperationsOfWarmUp), round, seconds);

    private void Compress(byte[] room, int operations)
    {
        Span<byte> destination = room.AsSpan(0, CompressedPages.CompressedMax);
        for (int i = 0; i < operations; i++)
        {
            _codec.TryCompress(_pages[i % _pages.Length], destination, out _);
        }
    }

    private void Restore(byte[] room, int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            if (!_codec.TryDecompress(_compressed[i % _compressed.Length], room))
            {
                throw new InvalidDataException($"{_codec.Name} does not restore what it has compressed.");
            }
        }
    }

    private double AllocatedPerPage(byte[] room)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Compress(room, _pages.Length);
        Restore(room, _pages.Length);
        return (double)(GC.GetAllocatedBytesForCurrentThread() - before) / _pages.Length;
    }

    private void CheckRoundTrip(byte[] restored)
    {
        byte[] room = new byte[CompressedPages.CompressedMax];
        foreach (byte[] page in _pages)
        {
            if (_codec.TryCompress(page, room, out int length)
                && !(_codec.TryDecompress(room.AsSpan(0, length), restored) && restored.AsSpan().SequenceEqual(page)))
            {
                throw new InvalidDataException($"{_codec.Name} does not restore what it has compressed.");
            }
        }
    }
}
