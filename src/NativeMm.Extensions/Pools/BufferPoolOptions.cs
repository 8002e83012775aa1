using NativeMm.Heap.Checked;

namespace NativeMm.Buffers;

/// <summary>What a <see cref="NativeBufferPool"/>, or Kestrel's pool, is made with.</summary>
public sealed record BufferPoolOptions
{
    /// <summary>Smallest block size that can be asked for: 512 bytes.</summary>
    public const int BlockBytesSmallest = 512;

    /// <summary>Largest value of <see cref="BlockBytesMin"/>: 1 MiB.</summary>
    public const int BlockBytesLargest = 1 << 20;

    private readonly bool? _checked;
    private readonly int? _stackSampleInterval;

    /// <summary>
    /// Size of the smallest blocks, in bytes: a power of two, 512 to 1,048,576. Larger blocks are this times a power of two. Default 4096, as Kestrel's own
    /// pool has it. Only whole pages go back to the operating system: those of blocks below a page go back together with their neighbours.
    /// </summary>
    public int BlockBytesMin { get; init; } = 4096;

    /// <summary>
    /// How long a block lies unused before its pages go back to the operating system, 100 ms to 1 h: a fifth more at most. Arrays and slabs whose pages are all
    /// back are left to the garbage collector after twelve times as long. Default 5 s.
    /// </summary>
    public TimeSpan IdleDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Whether mistakes are found and named: a buffer that is returned twice, written after its return, or never returned. Costs a fill of each buffer
    /// at its return and a look at it before its next rent. Where it is not set, the variable <c>NATIVEMM_CHECKED</c> says; without that, false.
    /// </summary>
    /// <exception cref="FormatException">It is not set, and the variable has a value that is not understood.</exception>
    public bool Checked
    {
        get => _checked ?? CheckedOptions.OfProcess.Enabled;
        init => _checked = value;
    }

    /// <summary>
    /// In checked mode, the call stacks of one rent in this many are recorded, with those of its return: 1 for each, 0 for none. Where it is not set,
    /// <c>NATIVEMM_CHECKED_STACKS</c> says; without that, 0. A stack takes longer than a rent by far.
    /// </summary>
    /// <exception cref="FormatException">It is not set, and the variable has a value that is not understood.</exception>
    public int StackSampleInterval
    {
        get => _stackSampleInterval ?? CheckedOptions.OfProcess.StackSampleInterval;
        init => _stackSampleInterval = value;
    }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="FormatException">A variable that is to set an option has a value that is not understood.</exception>
    public void Validate()
    {
        if (BlockBytesMin is < BlockBytesSmallest or > BlockBytesLargest || !int.IsPow2(BlockBytesMin))
        {
            throw new ArgumentOutOfRangeException(
                nameof(BlockBytesMin),
                BlockBytesMin,
                $"BlockBytesMin is a power of two from {BlockBytesSmallest} to {BlockBytesLargest}, not {BlockBytesMin}.");
        }

        if (IdleDelay < TimeSpan.FromMilliseconds(100) || IdleDelay > TimeSpan.FromHours(1))
        {
            throw new ArgumentOutOfRangeException(nameof(IdleDelay), IdleDelay, $"IdleDelay is 100 ms to 1 h, not {IdleDelay}.");
        }

        _ = Checked;
        if (StackSampleInterval < 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(StackSampleInterval),
                StackSampleInterval,
                $"StackSampleInterval is 0 (no stacks), 1 (every stack) or more, not {StackSampleInterval}.");
        }
    }
}
