using Microsoft.IO;
using NativeMm.Buffers;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Pools;

/// <summary>The life of a stream: made, written in pieces, read back in pieces, disposed.</summary>
internal static class StreamMeasurement
{
    private const int PieceBytes = 16 << 10;

    /// <summary>Measures it.</summary>
    public static Measurement Measure(MeasurementRequest request, int size)
    {
        var manager = new RecyclableMemoryStreamManager();
        Func<Stream> make = request.Case.Variant switch
        {
            "nativemm" => () => new NativeMemoryStream(),
            "framework" => () => new MemoryStream(),
            _ => () => manager.GetStream(),
        };
        byte[] piece = new byte[PieceBytes];
        Array.Fill(piece, (byte)1);
        using var crew = new ThreadCrew(1, request.Pin);
        double time = RoundTimer.Best(crew, 1, _ => Live(make, piece, size), (_, count) => Repeat(make, piece, size, count), request.Seconds, first: 1);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        const int Lives = 10;
        crew.Run(_ => Repeat(make, piece, size, Lives));
        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        return new Measurement().Add("ns_per_op", time).Add("allocated_per_op", (double)allocated / Lives);
    }

    private static void Repeat(Func<Stream> make, byte[] piece, int size, int count)
    {
        for (int i = 0; i < count; i++)
        {
            Live(make, piece, size);
        }
    }

    private static void Live(Func<Stream> make, byte[] piece, int size)
    {
        using Stream stream = make();
        for (int left = size; left > 0; left -= piece.Length)
        {
            stream.Write(piece, 0, int.Min(piece.Length, left));
        }

        stream.Position = 0;
        int total = 0;
        for (int read; (read = stream.Read(piece, 0, piece.Length)) != 0;)
        {
            total += read;
        }

        if (total != size)
        {
            throw new InvalidDataException($"{size} bytes were written and {total} read.");
        }
    }
}
