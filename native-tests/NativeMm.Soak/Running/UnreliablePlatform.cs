using NativeMm.Platform;
using NativeMm.Soak.Shadow;
using NativeMm.Tests.Child;

namespace NativeMm.Soak.Running;

/// <summary>
/// A platform that refuses calls by chance, and counts what was never given back. Which calls are refused depends on the seed and on the order of the
/// calls. Thread-safe.
/// </summary>
/// <param name="seed">Of the refusals.</param>
/// <param name="refusedPerThousand">0 for none.</param>
internal sealed class UnreliablePlatform(ulong seed, int refusedPerThousand) : ForwardingPlatform(SystemPlatform.Current)
{
    private const ulong Step = 0x9E3779B97F4A7C15;
    private ulong _state = seed;
    private long _refusals;
    private long _refusedReturns;
    private long _calls;
    private long _reservedBytes;
    private long _files;

    /// <summary>Of the refusals.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>How many of 1000 calls are refused.</summary>
    public int RefusedPerThousand => refusedPerThousand;

    /// <summary>Calls so far, of the kinds that may be refused.</summary>
    public long Calls => Volatile.Read(ref _calls);

    /// <summary>Calls that were refused.</summary>
    public long Refusals => Volatile.Read(ref _refusals);

    /// <summary>What was reserved or opened and not given back, or null when there is nothing; a refusal to take something back explains it.</summary>
    public string? Leak() => Volatile.Read(ref _refusedReturns) == 0 && (Volatile.Read(ref _reservedBytes) != 0 || Volatile.Read(ref _files) != 0)
        ? $"{_reservedBytes} reserved bytes and {_files} files"
        : null;

    public override PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
    {
        address = 0;
        return Refuses(out PlatformResult refusal) ? refusal : Count(base.Reserve(bytes, alignment, out address), bytes);
    }

    public override PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address)
    {
        address = 0;
        return Refuses(out PlatformResult refusal) ? refusal : Count(base.ReserveClosed(bytes, alignment, readable, out address), bytes);
    }

    public override PlatformResult Open(nuint address, nuint bytes) => Refuses(out PlatformResult refusal) ? refusal : base.Open(address, bytes);

    public override PlatformResult Release(nuint address, nuint bytes) => GiveBack(bytes, () => base.Release(address, bytes));

    public override PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress)
    {
        newAddress = 0;
        if (Refuses(out PlatformResult refusal))
        {
            return refusal;
        }

        PlatformResult result = base.Resize(address, bytes, newBytes, out newAddress);
        if (result.Succeeded)
        {
            Interlocked.Add(ref _reservedBytes, RoundUp(newBytes) - RoundUp(bytes));
        }

        return result;
    }

    public override PlatformResult Commit(nuint address, nuint bytes) => Refuses(out PlatformResult refusal) ? refusal : base.Commit(address, bytes);

    public override PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) =>
        Refuses(out PlatformResult refusal) ? refusal : base.Discard(address, bytes, mode);

    public override PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) =>
        Refuses(out PlatformResult refusal) ? refusal : base.Discard(ranges, mode);

    public override PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) =>
        Refuses(out PlatformResult refusal) ? refusal : base.AdviseHugePages(address, bytes, enabled);

    public override PlatformResult Protect(nuint address, nuint bytes, bool accessible) =>
        Refuses(out PlatformResult refusal) ? refusal : base.Protect(address, bytes, accessible);

    public override PlatformResult CountResident(nuint address, nuint bytes, out nuint pages)
    {
        pages = 0;
        return Refuses(out PlatformResult refusal) ? refusal : base.CountResident(address, bytes, out pages);
    }

    public override PlatformResult CreateMemoryFile(string name, nuint bytes, out int file)
    {
        file = -1;
        if (Refuses(out PlatformResult refusal))
        {
            return refusal;
        }

        PlatformResult result = base.CreateMemoryFile(name, bytes, out file);
        if (result.Succeeded)
        {
            Interlocked.Increment(ref _files);
        }

        return result;
    }

    public override PlatformResult CloseFile(int file)
    {
        Interlocked.Decrement(ref _files);
        return base.CloseFile(file);
    }

    public override PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        return Refuses(out PlatformResult refusal) ? refusal : Count(base.MapFile(file, offset, bytes, at, out address), at == 0 ? bytes : 0);
    }

    public override PlatformResult MapFileClosed(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        return Refuses(out PlatformResult refusal) ? refusal : Count(base.MapFileClosed(file, offset, bytes, at, out address), at == 0 ? bytes : 0);
    }

    public override PlatformResult Unmap(nuint address, nuint bytes) => GiveBack(bytes, () => base.Unmap(address, bytes));

    public override PlatformResult Revoke(nuint address, nuint bytes) => Refuses(out PlatformResult refusal) ? refusal : base.Revoke(address, bytes);

    public override PlatformResult InstallGuard(nuint address, nuint bytes) =>
        Refuses(out PlatformResult refusal) ? refusal : base.InstallGuard(address, bytes);

    public override PlatformResult PunchHole(int file, nuint offset, nuint bytes) =>
        Refuses(out PlatformResult refusal) ? refusal : base.PunchHole(file, offset, bytes);

    private bool Refuses(out PlatformResult refusal)
    {
        Interlocked.Increment(ref _calls);
        refusal = new PlatformResult(ErrorNumber.OutOfMemory);
        if (Chance.Mix(Interlocked.Add(ref _state, Step)) % 1000 >= (ulong)refusedPerThousand)
        {
            return false;
        }

        Interlocked.Increment(ref _refusals);
        return true;
    }

    private PlatformResult GiveBack(nuint bytes, Func<PlatformResult> call)
    {
        if (Refuses(out PlatformResult refusal))
        {
            Interlocked.Increment(ref _refusedReturns);
            return refusal;
        }

        PlatformResult result = call();
        if (result.Succeeded)
        {
            Interlocked.Add(ref _reservedBytes, -RoundUp(bytes));
        }

        return result;
    }

    private PlatformResult Count(PlatformResult result, nuint bytes)
    {
        if (result.Succeeded)
        {
            Interlocked.Add(ref _reservedBytes, RoundUp(bytes));
        }

        return result;
    }

    private long RoundUp(nuint bytes) => (long)((bytes + PageBytes - 1) & ~(PageBytes - 1));
}
