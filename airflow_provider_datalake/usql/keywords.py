"""The words that cannot be names unless they are quoted."""

from __future__ import annotations

RESERVED = frozenset(
    """
    ALL ALTER AND ANTISEMIJOIN ANY APPLY AS ASC ASSEMBLY BEGIN BETWEEN BY CASE CLUSTERED COLUMNSTORE COMBINE
    CREATE CREDENTIAL CROSS CURRENT DATA DATABASE DECLARE DEPLOY DESC DISTINCT DISTRIBUTED DO DROP ELSE ELSEIF
    END ESCAPE EXCEPT EXISTS EXPORT EXTERNAL EXTRACT FETCH FIRST FOLLOWING FROM FULL FUNCTION GROUP HAVING
    IF IMPORT IN INDEX INNER INSERT INTERSECT INTO IS JOIN LEFT LIKE NEXT NOT NULL OFFSET ON OPTION OR ORDER
    OUTER OUTPUT OVER PACKAGE PARTITION PARTITIONED PIVOT PRECEDING PRESORT PROCEDURE PROCESS PRODUCE RANGE
    READONLY REDUCE REFERENCE REQUIRED RESOURCE RIGHT ROW ROWS SAMPLE SCHEMA SELECT SEMIJOIN SET
    STATISTICS TABLE THEN TO TRUNCATE TYPE UNBOUNDED UNION UNPIVOT USE USING VALUES VIEW WHEN WHERE WITH
    WITHIN
    """.split()
)
"""Keywords of U-SQL; all are upper case. Any other word in upper case is a name here."""

KEYWORD_TYPES = frozenset(
    """
    bool byte sbyte short ushort int uint long ulong float double decimal char string object
    """.split()
)
"""Keywords of C# that are types."""

CSHARP_RESERVED = KEYWORD_TYPES | frozenset(
    """
    abstract as base break case catch checked class const continue default delegate do else enum event
    explicit extern false finally fixed for foreach goto if implicit in interface internal is lock namespace
    new null operator out override params private protected public readonly ref return sealed sizeof
    stackalloc static struct switch this throw true try typeof unchecked unsafe using virtual void volatile
    while
    """.split()
)
"""Keywords of C# 5, which are reserved in U-SQL too."""
