using System.Diagnostics.CodeAnalysis;
using NativeMm.Platform;
using NativeMm.Tests.Child;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>
/// Writes down which pages are given back and which addresses, and can hold the calls up, refuse some of them, and be an older or a newer kernel. Thread-safe.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Events of a test.")]
internal sealed class ReleasingPlatform(IMemoryPlatform inner) : ForwardingPlatform(inner)
{
    private readonly Lock _lock = new();
    private readonly List<AddressRange> _discards = [];
    private readonly List<AddressRange> _punches = [];
    private readonly List<AddressRange> _releases = [];
    private SemaphoreSlim? _permits;
    private int _calls;

    public ReleasingPlatform()
        : this(SystemPlatform.Current)
    {
    }

    public override PlatformCapabilities Capabilities => ByArea switch
    {
        true => base.Capabilities | PlatformCapabilities.DiscardByArea,
        false => base.Capabilities & ~PlatformCapabilities.DiscardByArea,
        null => base.Capabilities,
    };

    /// <summary>Whether the kernel locks one area alone; null for what the system does.</summary>
    public bool? ByArea { get; init; }

    /// <summary>Every so manieth discard is refused; 0 for none.</summary>
    public int RefuseEvery { get; set; }

    /// <summary>Borders of areas, beside those that the system tells.</summary>
    public nuint[]? Borders { get; set; }

    /// <summary>Called before a discard or a hole is made, outside of any lock.</summary>
    public Action? Discarding { get; set; }

    /// <summary>Whether bare addresses that nothing is mapped at may be discarded.</summary>
    public bool IsDry { get; init; }

    /// <summary>The discards so far, refused ones too.</summary>
    public AddressRange[] Discards => Copy(_discards);

    /// <summary>The holes so far, by offset.</summary>
    public AddressRange[] Punches => Copy(_punches);

    /// <summary>Reservations that went so far.</summary>
    public AddressRange[] Releases => Copy(_releases);

    /// <summary>Lets discards wait for permits of a test from here on.</summary>
    public void Hold() => _permits = new SemaphoreSlim(0);

    /// <summary>Lets so many discards through.</summary>
    public void Permit(int count) => _permits!.Release(count);

    /// <summary>Lets all through again.</summary>
    public void LetGo()
    {
        SemaphoreSlim? permits = _permits;
        _permits = null;
        permits?.Release(1 << 20);
    }

    public override PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) =>
        Enter(_discards, new AddressRange(address, bytes)) ?? (IsDry ? PlatformResult.Success : base.Discard(address, bytes, mode));

    public override PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        PlatformResult first = PlatformResult.Success;
        foreach (AddressRange range in ranges)
        {
            PlatformResult result = Discard(range.Address, range.Bytes, mode);
            first = first.Succeeded ? result : first;
        }

        return first;
    }

    public override PlatformResult PunchHole(int file, nuint offset, nuint bytes) =>
        Enter(_punches, new AddressRange(offset, bytes)) ?? base.PunchHole(file, offset, bytes);

    public override PlatformResult Release(nuint address, nuint bytes)
    {
        lock (_lock)
        {
            _releases.Add(new AddressRange(address, bytes));
        }

        return base.Release(address, bytes);
    }

    public override int FindBorders(nuint address, nuint bytes, Span<nuint> borders)
    {
        if (Borders is not { } known)
        {
            return base.FindBorders(address, bytes, borders);
        }

        int count = 0;
        foreach (nuint border in known)
        {
            if (border > address && border < address + bytes && count < borders.Length)
            {
                borders[count++] = border;
            }
        }

        return count;
    }

    private PlatformResult? Enter(List<AddressRange> calls, AddressRange range)
    {
        Discarding?.Invoke();
        bool isIn = _permits?.Wait(TimeSpan.FromSeconds(60)) ?? true;
        lock (_lock)
        {
            calls.Add(range);
            return !isIn || (RefuseEvery != 0 && ++_calls % RefuseEvery == 0) ? new PlatformResult(ErrorNumber.Invalid) : null;
        }
    }

    private AddressRange[] Copy(List<AddressRange> ranges)
    {
        lock (_lock)
        {
            return [.. ranges];
        }
    }
}
