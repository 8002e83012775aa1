using System.Globalization;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>One thread, one size: allocating and freeing at once, or reading, among other objects.</summary>
internal sealed class PairRun(MeasurementRequest request) : IPoolVisitor<Measurement>
{
    private const int Others = 1000;
    private const int FreedEvery = 3;
    private const int OperationsOfWarmUp = 500;
    private const int Seed = 0x7061;

    /// <inheritdoc/>
    public Measurement Visit<TPool>(TPool pool)
        where TPool : struct, IPoolUnderTest
    {
        int bytes = int.Parse(request.Parameters["size"]!, CultureInfo.InvariantCulture);
        using var crew = new ThreadCrew(1, request.Pin);
        ulong[] others = [];
        crew.Run(_ => others = Fill(pool, bytes));
        byte[] scratch = new byte[PoolWorker.BytesMax];
        Action<int, int> round = request.Parameters["part"] == ZsPart.Pair
            ? (_, operations) => Pairs(pool, bytes, operations)
            : (_, operations) => Reads(pool, others, scratch, operations);
        double perOperation = RoundTimer.Best(crew, 1, thread => round(thread, OperationsOfWarmUp), round, request.Seconds);
        return new Measurement().Add("ns_per_op", perOperation);
    }

    // Some are freed again, so that the pool has room without asking for frames, as a pool in use has.
    private static ulong[] Fill<TPool>(TPool pool, int bytes)
        where TPool : struct, IPoolUnderTest
    {
        byte[] content = new byte[bytes];
        var handles = new List<ulong>();
        for (int i = 0; i < Others; i++)
        {
            ulong handle = pool.Alloc(bytes);
            pool.Write(handle, content);
            handles.Add(handle);
        }

        for (int i = handles.Count - 1; i >= 0; i -= FreedEvery)
        {
            pool.Free(handles[i]);
            handles.RemoveAt(i);
        }

        ulong[] left = [.. handles];
        new Random(Seed).Shuffle(left);
        return left;
    }

    private static void Pairs<TPool>(TPool pool, int bytes, int operations)
        where TPool : struct, IPoolUnderTest
    {
        for (int i = 0; i < operations; i++)
        {
            pool.Free(pool.Alloc(bytes));
        }
    }

    private static void Reads<TPool>(TPool pool, ulong[] handles, byte[] scratch, int operations)
        where TPool : struct, IPoolUnderTest
    {
        int next = 0;
        for (int i = 0; i < operations; i++)
        {
            pool.Read(handles[next], scratch);
            next = next + 1 == handles.Length ? 0 : next + 1;
        }
    }
}
