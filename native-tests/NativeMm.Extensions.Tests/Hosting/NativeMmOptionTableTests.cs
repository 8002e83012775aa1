using System.Reflection;
using NativeMm.Buffers;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Extensions.Tests.Hosting;

/// <summary>What the code can set the configuration can set, and the document names it.</summary>
public sealed class NativeMmOptionTableTests
{
    private static readonly string[] s_inCodeOnly =
    [
        nameof(NativeMmOptions.ConfigureRuntime), nameof(NativeMmOptions.KestrelPool), nameof(NativeMmOptions.DistributedCache), nameof(NativeMmOptions.OutputCache),
        nameof(NativeDistributedCacheOptions.Codec),
    ];

    [Fact]
    public void Every_option_has_a_key()
    {
        IEnumerable<string> options = Writable(typeof(NativeMmOptions)).Except(s_inCodeOnly);
        IEnumerable<string> pool = Writable(typeof(BufferPoolOptions)).Select(name => $"{nameof(NativeMmOptions.KestrelPool)}:{name}");
        IEnumerable<string> cache = Writable(typeof(NativeDistributedCacheOptions)).Except(s_inCodeOnly)
            .Select(name => $"{nameof(NativeMmOptions.DistributedCache)}:{name}");
        IEnumerable<string> output = Writable(typeof(NativeOutputCacheOptions)).Except(s_inCodeOnly).Select(name => $"{nameof(NativeMmOptions.OutputCache)}:{name}");
        Assert.Equal(options.Concat(pool).Concat(cache).Concat(output).Order(StringComparer.Ordinal), NativeMmOptionTable.Rows.Select(row => row.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Document_names_every_key()
    {
        string document = File.ReadAllText(RepositoryRoot.Combine("docs", "services.md"));
        Assert.All(NativeMmOptionTable.Rows, row => Assert.Contains($"`{row.Key}`", document, StringComparison.Ordinal));
    }

    [Fact]
    public void Defaults_are_valid_and_those_of_the_runtime()
    {
        var options = new NativeMmOptions();
        Assert.All(NativeMmOptionTable.Rows, row => Assert.True(row.IsValid(options), row.Key));
        Assert.Equal(new Runtime.MemoryRuntimeOptions { Name = "service" }.PurgeDelay, options.ToRuntimeOptions().PurgeDelay);
        Assert.Equal(new Runtime.MemoryRuntimeOptions().LargeRetainBytesMax, options.ToRuntimeOptions().LargeRetainBytesMax);
        Assert.Equal(new Runtime.MemoryRuntimeOptions().ThreadCacheBytesMax, options.ToRuntimeOptions().ThreadCacheBytesMax);
        Assert.Equal(new Runtime.MemoryRuntimeOptions().HeapProfileIntervalBytes, options.ToRuntimeOptions().HeapProfileIntervalBytes);
    }

    private static IEnumerable<string> Writable(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite).Select(property => property.Name);
}
