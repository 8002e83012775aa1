using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>
/// A platform that refuses the call that a test names, counts all calls, and knows what was never given back. Thread-safe. A refused call does
/// not reach the platform below.
/// </summary>
internal sealed class FaultyPlatform(IMemoryPlatform inner) : IMemoryPlatform
{
    private readonly Lock _lock = new();
    private readonly RangeLedger _ranges = new();
    private readonly HashSet<int> _files = [];
    private readonly int[] _calls = new int[Enum.GetValues<PlatformCall>().Length];
    private readonly List<string> _mistakes = [];
    private readonly List<AddressRange> _refusedRanges = [];
    private readonly List<int> _refusedFiles = [];
    private PlatformCall? _failingKind;
    private int _callsUntilFailure;
    private int _failuresLeft;
    private int _errno;

    public FaultyPlatform()
        : this(SystemPlatform.Current)
    {
    }

    public PlatformCapabilities Capabilities => inner.Capabilities;

    public nuint PageBytes => inner.PageBytes;

    public int MappingsMax => MappingsMaxFaked ?? inner.MappingsMax;

    /// <summary>What the platform says its limit of mappings is; null for the truth.</summary>
    public int? MappingsMaxFaked { get; set; }

    /// <summary>How many mappings the platform says there are; 0 for "it does not tell".</summary>
    public int MappingsCountFaked { get; set; }

    /// <summary>How often that was asked.</summary>
    public int MappingsCounted { get; private set; }

    /// <summary>Called at the begin of each call, without any lock of this platform: a test may hold the call up.</summary>
    public Action<PlatformCall>? Entering { get; set; }

    /// <summary>What happens at a vectored discard that is not refused; null for what the platform below does.</summary>
    public VectoredDiscard? OnDiscardMany { get; set; }

    /// <summary>Calls so far, refused ones among them.</summary>
    public int TotalCalls
    {
        get
        {
            lock (_lock)
            {
                return _calls.Sum();
            }
        }
    }

    /// <summary>Calls that were refused by order of the test.</summary>
    public int Failures { get; private set; }

    /// <summary>Calls of one kind so far.</summary>
    public int Calls(PlatformCall kind)
    {
        lock (_lock)
        {
            return _calls[(int)kind];
        }
    }

    /// <summary>Refuses the n-th call from now on.</summary>
    /// <param name="n">1 is the next call.</param>
    /// <param name="errno">The error number to answer.</param>
    /// <param name="kind">Count and refuse only calls of this kind; null for any.</param>
    /// <param name="times">How many calls in a row are refused from there on.</param>
    public void FailCall(int n, int errno = ErrorNumber.OutOfMemory, PlatformCall? kind = null, int times = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        lock (_lock)
        {
            (_callsUntilFailure, _errno, _failingKind, _failuresLeft) = (n, errno, kind, times);
        }
    }

    /// <summary>Refuses nothing any more.</summary>
    public void FailNothing()
    {
        lock (_lock)
        {
            _failuresLeft = 0;
        }
    }

    /// <summary>Fails the test when memory or files were not given back, or something was given back that was not live.</summary>
    public void AssertNothingLeaked()
    {
        lock (_lock)
        {
            Assert.True(_mistakes.Count == 0, string.Join("; ", _mistakes));
            Assert.True(_ranges.LiveBytes == 0, $"Not given back: {_ranges}");
            Assert.True(_files.Count == 0, $"Not closed: {string.Join(", ", _files)}");
        }
    }

    /// <summary>
    /// As <see cref="AssertNothingLeaked"/>, but what the platform itself refused to take back may be left: of a range the addresses, of a file its number. Gives that back.
    /// </summary>
    /// <param name="withPages">Whether a range may have its pages still, because those were refused as well.</param>
    public void AssertOnlyRefusedIsLeft(bool withPages = false)
    {
        lock (_lock)
        {
            foreach (AddressRange range in _refusedRanges)
            {
                if (_ranges.Remove(range.Address, range.Bytes))
                {
                    Assert.True(inner.CountResident(range.Address, range.Bytes, out nuint pages).Succeeded);
                    Assert.True(withPages || pages == 0, $"{pages} pages are left of {range}.");
                    Assert.True(inner.Release(range.Address, range.Bytes).Succeeded);
                }
            }

            foreach (int file in _refusedFiles)
            {
                if (_files.Remove(file))
                {
                    Assert.True(inner.CloseFile(file).Succeeded);
                }
            }

            AssertNothingLeaked();
        }
    }

    public int CountMappings()
    {
        MappingsCounted++;
        return MappingsCountFaked;
    }

    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
    {
        address = 0;
        PlatformResult result = Admit(PlatformCall.Reserve);
        return result.Succeeded ? Track(inner.Reserve(bytes, alignment, out address), address, bytes) : result;
    }

    public PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address)
    {
        address = 0;
        PlatformResult result = Admit(PlatformCall.Reserve);
        return result.Succeeded ? Track(inner.ReserveClosed(bytes, alignment, readable, out address), address, bytes) : result;
    }

    public PlatformResult Open(nuint address, nuint bytes)
    {
        PlatformResult result = Admit(PlatformCall.Open);
        return result.Succeeded ? inner.Open(address, bytes) : result;
    }

    public PlatformResult Release(nuint address, nuint bytes)
    {
        PlatformResult result = AdmitEnd(PlatformCall.Release, address, bytes);
        return result.Succeeded ? Forget("Release", address, bytes, () => inner.Release(address, bytes)) : result;
    }

    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress)
    {
        newAddress = 0;
        PlatformResult result = Admit(PlatformCall.Resize);
        if (!result.Succeeded)
        {
            return result;
        }

        lock (_lock)
        {
            result = inner.Resize(address, bytes, newBytes, out newAddress);
            if (result.Succeeded)
            {
                Remove("Resize", address, bytes);
                _ranges.Add(newAddress, RoundUp(newBytes));
            }
        }

        return result;
    }

    public PlatformResult Commit(nuint address, nuint bytes)
    {
        PlatformResult result = Admit(PlatformCall.Commit);
        return result.Succeeded ? inner.Commit(address, bytes) : result;
    }

    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode)
    {
        PlatformResult result = Admit(PlatformCall.Discard);
        return result.Succeeded ? inner.Discard(address, bytes, mode) : result;
    }

    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        PlatformResult result = Admit(PlatformCall.DiscardMany);
        if (!result.Succeeded)
        {
            return result;
        }

        return OnDiscardMany is { } instead ? instead(inner, ranges, mode) : inner.Discard(ranges, mode);
    }

    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled)
    {
        PlatformResult result = Admit(PlatformCall.AdviseHugePages);
        return result.Succeeded ? inner.AdviseHugePages(address, bytes, enabled) : result;
    }

    public PlatformResult Protect(nuint address, nuint bytes, bool accessible)
    {
        PlatformResult result = Admit(PlatformCall.Protect);
        return result.Succeeded ? inner.Protect(address, bytes, accessible) : result;
    }

    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages)
    {
        pages = 0;
        PlatformResult result = Admit(PlatformCall.CountResident);
        return result.Succeeded ? inner.CountResident(address, bytes, out pages) : result;
    }

    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file)
    {
        file = -1;
        PlatformResult result = Admit(PlatformCall.CreateMemoryFile);
        if (!result.Succeeded)
        {
            return result;
        }

        lock (_lock)
        {
            result = inner.CreateMemoryFile(name, bytes, out file);
            if (result.Succeeded)
            {
                _files.Add(file);
            }
        }

        return result;
    }

    public PlatformResult CloseFile(int file)
    {
        PlatformResult result = Admit(PlatformCall.CloseFile);
        if (!result.Succeeded)
        {
            lock (_lock)
            {
                _refusedFiles.Add(file);
            }

            return result;
        }

        lock (_lock)
        {
            if (!_files.Remove(file))
            {
                _mistakes.Add($"CloseFile of {file}, which is not open");
            }

            return inner.CloseFile(file);
        }
    }

    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        PlatformResult result = Admit(PlatformCall.MapFile);
        return result.Succeeded ? Track(inner.MapFile(file, offset, bytes, at, out address), address, bytes) : result;
    }

    public PlatformResult MapFileClosed(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        PlatformResult result = Admit(PlatformCall.MapFile);
        return result.Succeeded ? Track(inner.MapFileClosed(file, offset, bytes, at, out address), address, bytes) : result;
    }

    public PlatformResult Unmap(nuint address, nuint bytes)
    {
        PlatformResult result = AdmitEnd(PlatformCall.Unmap, address, bytes);
        return result.Succeeded ? Forget("Unmap", address, bytes, () => inner.Unmap(address, bytes)) : result;
    }

    public PlatformResult Revoke(nuint address, nuint bytes)
    {
        PlatformResult result = Admit(PlatformCall.Revoke);
        return result.Succeeded ? inner.Revoke(address, bytes) : result;
    }

    public PlatformResult InstallGuard(nuint address, nuint bytes)
    {
        PlatformResult result = Admit(PlatformCall.InstallGuard);
        return result.Succeeded ? inner.InstallGuard(address, bytes) : result;
    }

    public PlatformResult PunchHole(int file, nuint offset, nuint bytes)
    {
        PlatformResult result = Admit(PlatformCall.PunchHole);
        return result.Succeeded ? inner.PunchHole(file, offset, bytes) : result;
    }

    public int FindBorders(nuint address, nuint bytes, Span<nuint> borders) => inner.FindBorders(address, bytes, borders);

    private PlatformResult Admit(PlatformCall kind)
    {
        Entering?.Invoke(kind);
        lock (_lock)
        {
            _calls[(int)kind]++;
            if (_failuresLeft == 0 || (_failingKind is { } failing && failing != kind) || --_callsUntilFailure > 0)
            {
                return PlatformResult.Success;
            }

            _failuresLeft--;
            Failures++;
            return new PlatformResult(_errno);
        }
    }

    private PlatformResult AdmitEnd(PlatformCall kind, nuint address, nuint bytes)
    {
        PlatformResult result = Admit(kind);
        if (!result.Succeeded)
        {
            lock (_lock)
            {
                _refusedRanges.Add(new AddressRange(address, RoundUp(bytes)));
            }
        }

        return result;
    }

    private PlatformResult Track(PlatformResult result, nuint address, nuint bytes)
    {
        if (result.Succeeded)
        {
            lock (_lock)
            {
                _ranges.Add(address, RoundUp(bytes));
            }
        }

        return result;
    }

    /// <summary>Forgets before the call, so that another thread that gets the same addresses meanwhile is not confused with this range.</summary>
    private PlatformResult Forget(string call, nuint address, nuint bytes, Func<PlatformResult> giveBack)
    {
        lock (_lock)
        {
            Remove(call, address, bytes);
        }

        PlatformResult result = giveBack();
        if (!result.Succeeded)
        {
            Track(PlatformResult.Success, address, bytes);
        }

        return result;
    }

    private void Remove(string call, nuint address, nuint bytes)
    {
        if (!_ranges.Remove(address, RoundUp(bytes)))
        {
            _mistakes.Add($"{call} of {address:x} + {bytes:x}, which is not live as a whole");
        }
    }

    private nuint RoundUp(nuint bytes) => (bytes + PageBytes - 1) & ~(PageBytes - 1);
}
