using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Experiments.Zsmalloc;

/// <summary>One worker's table, objects and place in the table. Used by one thread at a time.</summary>
internal sealed class PoolWorker
{
    /// <summary>The longest object.</summary>
    public const int BytesMax = 4096;

    private const int Seed = 0x7764;

    private readonly int[] _sizes;
    private int _nextSize;

    /// <summary>Prepares a worker.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="slots">How many objects it has at most.</param>
    /// <param name="sizes">Sizes of real objects; each worker goes round in an order of its own.</param>
    public PoolWorker(int number, int slots, int[] sizes)
    {
        _sizes = [.. sizes];
        new Random(Seed + number).Shuffle(_sizes);
        Number = number;
        Table = OperationTable.Build(number, slots);
        Handles = new ulong[slots];
        Lengths = new int[slots];
        Content = new byte[BytesMax];
        Scratch = new byte[BytesMax];
        new Random(Seed - 1).NextBytes(Content);
    }

    /// <summary>Its number.</summary>
    public int Number { get; }

    /// <summary>What it does, again and again.</summary>
    public PoolOperation[] Table { get; }

    /// <summary>Its objects by slot.</summary>
    public ulong[] Handles { get; }

    /// <summary>The sizes of its objects.</summary>
    public int[] Lengths { get; }

    /// <summary>What it writes.</summary>
    public byte[] Content { get; }

    /// <summary>Where objects that straddle frames are gathered for reading.</summary>
    public byte[] Scratch { get; }

    /// <summary>Its place in the table.</summary>
    public int Position { get; set; }

    /// <summary>Reads, with the time each took. A field, because it is a large struct.</summary>
    public DurationHistogram Reads;

    /// <summary>What was read, so that no read can be left out.</summary>
    public int Seen { get; set; }

    /// <summary>The size of its next object.</summary>
    public int NextSize()
    {
        int size = _sizes[_nextSize];
        _nextSize = _nextSize + 1 == _sizes.Length ? 0 : _nextSize + 1;
        return size;
    }
}
