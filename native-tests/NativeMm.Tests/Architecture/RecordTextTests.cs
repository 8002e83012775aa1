using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using NativeMm.Runtime;
using NativeMm.Zsmalloc;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What statistics say of themselves is for people: the compiler's text of a record gives the type of a list, and nothing of what is in it.</summary>
public sealed class RecordTextTests
{
    [Fact]
    public void A_public_record_with_a_list_has_a_text_of_its_own()
    {
        Type[] records = [.. typeof(MemoryRuntime).Assembly.GetExportedTypes().Where(IsRecord)];
        Assert.Contains(typeof(RuntimeStatistics), records);
        string[] without = [.. records.Where(static r => HasList(r) && HasCompilersText(r)).Select(static r => r.FullName!)];
        Assert.Empty(without);
    }

    [Fact]
    public unsafe void The_statistics_of_a_runtime_say_how_much_is_where()
    {
        using var runtime = new MemoryRuntime(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });
        void* block = runtime.Heap.Alloc(1000);
        using (ZsPool pool = runtime.CreateZsPool())
        {
            ZsHandle handle = pool.Alloc(100);
            string text = runtime.GetStatistics().ToString();
            Assert.DoesNotContain("NativeMm.", text, StringComparison.Ordinal);
            Assert.DoesNotContain("System.", text, StringComparison.Ordinal);
            Assert.Contains($"heaps {runtime.Heap.GetStatistics().LiveBytes:N0}, pools ", text, StringComparison.Ordinal);
            Assert.Contains("1,024 bytes: 1 live", text, StringComparison.Ordinal);
            string row = Assert.Single(pool.GetClassStatistics(), static c => c.ObjectsUsed == 1).ToString();
            Assert.Contains("1 of ", row, StringComparison.Ordinal);
            Assert.Contains("with 100 bytes", row, StringComparison.Ordinal);
            pool.Free(handle);
        }

        runtime.Heap.Free(block);
    }

    private static bool IsRecord(Type type) => type.GetMethod("PrintMembers", BindingFlags.Instance | BindingFlags.NonPublic) is not null;

    private static bool HasList(Type record) => record.GetProperties().Any(static p => p.PropertyType != typeof(string) && p.PropertyType.IsAssignableTo(typeof(IEnumerable)));

    private static bool HasCompilersText(Type record) => record.GetMethod("ToString", Type.EmptyTypes)!.IsDefined(typeof(CompilerGeneratedAttribute));
}
