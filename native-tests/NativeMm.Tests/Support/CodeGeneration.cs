using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>
/// Shows what the JIT makes of a method: runs a scenario of the child with the JIT's own listing switched on and full optimization at the
/// first call.
/// </summary>
/// <remarks>
/// A <c>static readonly</c> field is a constant in the code only when its type was initialized before the method was compiled: let the
/// scenario touch it in another method first. The method must be NoInlining and its name unique. Only an optimized build has code worth looking
/// at: use <see cref="OptimizedFactAttribute"/>.
/// </remarks>
public static class CodeGeneration
{
    /// <summary>Gives the code of the methods with these names, in the order of the names.</summary>
    /// <param name="scenario">A scenario that calls each of them.</param>
    /// <param name="methods">Names without type and signature.</param>
    public static IReadOnlyList<MethodCode> Disassemble(string scenario, params string[] methods)
    {
        string file = Path.Combine(Path.GetTempPath(), $"nativemm-code-{Guid.NewGuid():N}.txt");
        try
        {
            ChildResult child = ChildProcess.Run(scenario, environment: new Dictionary<string, string>
            {
                ["DOTNET_TieredCompilation"] = "0",
                ["DOTNET_ReadyToRun"] = "1",
                ["DOTNET_JitDisasm"] = string.Join(' ', methods),
                ["DOTNET_JitDisasmDiffable"] = "1",
                ["DOTNET_JitStdOutFile"] = file,
            });
            Assert.True(child.ExitCode == 0, $"The scenario '{scenario}' failed with {child.ExitCode}: {child.Error}");
            IReadOnlyList<MethodCode> all = MethodCode.ParseAll(File.ReadAllText(file));
            return [.. methods.Select(method => Find(all, method))];
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static MethodCode Find(IReadOnlyList<MethodCode> all, string method)
    {
        MethodCode[] found = [.. all.Where(code => code.Name.Contains($":{method}(", StringComparison.Ordinal))];
        Assert.True(found.Length == 1, $"{found.Length} methods '{method}' among: {string.Join("; ", all.Select(code => code.Name))}");
        return found[0];
    }
}
