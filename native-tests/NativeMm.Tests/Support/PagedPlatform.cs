using System.Runtime.InteropServices;
using NativeMm.Platform;
using NativeMm.Tests.Child;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>
/// A system whose pages are larger than those of the one below. It does what such a kernel does: a crooked start is EINVAL, a length is rounded up,
/// over whatever lies there. And it writes down who asked for that. Thread-safe.
/// </summary>
internal sealed unsafe class PagedPlatform(IMemoryPlatform inner, nuint pageBytes) : ForwardingPlatform(inner)
{
    private readonly Lock _lock = new();
    private readonly List<string> _crooked = [];

    public override nuint PageBytes => pageBytes;

    /// <summary>Bytes that were given back so far.</summary>
    public ulong DiscardedBytes { get; private set; }

    /// <summary>Fails the test when a call was not about whole pages.</summary>
    public void AssertWholePages()
    {
        lock (_lock)
        {
            Assert.True(_crooked.Count == 0, string.Join("; ", _crooked.Take(5)));
        }
    }

    public override PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
    {
        Check("Reserve", alignment, 0);
        return base.Reserve(Up(bytes), nuint.Max(alignment, pageBytes), out address);
    }

    public override PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address)
    {
        Check("ReserveClosed", alignment, 0);
        return base.ReserveClosed(Up(bytes), nuint.Max(alignment, pageBytes), readable, out address);
    }

    public override PlatformResult Open(nuint address, nuint bytes) => Check("Open", address, bytes) ?? base.Open(address, Up(bytes));

    public override PlatformResult Release(nuint address, nuint bytes) => Check("Release", address, 0) ?? base.Release(address, Up(bytes));

    public override PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress)
    {
        newAddress = 0;
        PlatformResult result = Check("Resize", address, 0) ?? base.Resize(address, Up(bytes), Up(newBytes), out newAddress);
        return result.Succeeded && (newAddress & (pageBytes - 1)) != 0 ? Straighten(Up(newBytes), ref newAddress) : result;
    }

    public override PlatformResult Commit(nuint address, nuint bytes) => Check("Commit", address, bytes) ?? base.Commit(address, Up(bytes));

    public override PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) =>
        Check("Discard", address, bytes) ?? Count(base.Discard(address, Up(bytes), mode), Up(bytes));

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

    public override PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) =>
        Check("AdviseHugePages", address, bytes) ?? base.AdviseHugePages(address, Up(bytes), enabled);

    public override PlatformResult Protect(nuint address, nuint bytes, bool accessible) =>
        Check("Protect", address, bytes) ?? base.Protect(address, Up(bytes), accessible);

    public override PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        return Check("MapFile", at | offset, bytes) ?? base.MapFile(file, offset, bytes, at, out address);
    }

    public override PlatformResult Unmap(nuint address, nuint bytes) => Check("Unmap", address, 0) ?? base.Unmap(address, Up(bytes));

    public override PlatformResult Revoke(nuint address, nuint bytes) => Check("Revoke", address, bytes) ?? base.Revoke(address, Up(bytes));

    public override PlatformResult InstallGuard(nuint address, nuint bytes) =>
        Check("InstallGuard", address, bytes) ?? base.InstallGuard(address, Up(bytes));

    public override PlatformResult PunchHole(int file, nuint offset, nuint bytes) =>
        Check("PunchHole", offset, bytes) ?? base.PunchHole(file, offset, bytes);

    /// <summary>EINVAL for a crooked start, otherwise nothing.</summary>
    private PlatformResult? Check(string call, nuint address, nuint bytes)
    {
        if (((address | bytes) & (pageBytes - 1)) != 0)
        {
            lock (_lock)
            {
                _crooked.Add($"{call} of 0x{address:x} + 0x{bytes:x} with pages of 0x{pageBytes:x}");
            }
        }

        return (address & (pageBytes - 1)) != 0 ? new PlatformResult(ErrorNumber.Invalid) : null;
    }

    /// <summary>The system below moved a mapping to where a page of ours does not begin: moves it on.</summary>
    private PlatformResult Straighten(nuint bytes, ref nuint address)
    {
        nuint crooked = address;
        Assert.True(base.Reserve(bytes, pageBytes, out address).Succeeded, "A mapping that was moved cannot be put straight.");
        NativeMemory.Copy((void*)crooked, (void*)address, bytes);
        return base.Release(crooked, bytes);
    }

    private PlatformResult Count(PlatformResult result, nuint bytes)
    {
        lock (_lock)
        {
            DiscardedBytes += result.Succeeded ? bytes : 0;
        }

        return result;
    }

    private nuint Up(nuint bytes) => (bytes + pageBytes - 1) & ~(pageBytes - 1);
}
